import {
  CatwalkError,
  quoted,
  Secret,
  type GithubSource,
  type PinnedSource,
  type SourceOptions,
} from '../domain/index.ts'
import { readJson, withRetries, type HttpClient, type HttpResponse } from '../network/index.ts'
import type { GithubHost } from './github-hosts.ts'
import { placesOf } from './places.ts'

export interface GithubReaderOptions {
  readonly http: HttpClient
  readonly hosts: readonly GithubHost[]
  /** For the host that is configured, when the caller has no token of their own. */
  readonly token: Secret | null
  readonly now: () => Date
}

export interface GithubReader {
  pin(source: GithubSource, options: SourceOptions): Promise<PinnedSource>
  /** Names of tags with their commits ("List repository tags"), the hundred that come first. */
  tags(source: GithubSource, options: SourceOptions): Promise<ReadonlyMap<string, string>>
  /** The archive of a pinned source: gzipped tar, everything in one folder. */
  archive(source: GithubSource, options: SourceOptions): Promise<HttpResponse>
}

const MAX_ANSWER_BYTES = 8 * 1024 * 1024
const API_VERSION = '2022-11-28'
const COMMIT = /^[0-9a-f]{40,64}$/

/**
 * Reads repositories through GitHub's REST API: "Get a commit" pins, "Download a repository archive (tar)" gives the
 * files. Two requests of the hourly limit for each analysis.
 */
export function createGithubReader({ http, hosts, token, now }: GithubReaderOptions): GithubReader {
  const ask = async (source: GithubSource, path: string, options: SourceOptions): Promise<HttpResponse> => {
    const host = hosts.find((known) => known.host === source.host)
    if (host === undefined) {
      throw new CatwalkError(
        'source_refused',
        `${quoted(source.host)} is not a GitHub server that is configured.`,
      )
    }
    // Tokens are for the API that is configured, which is the last.
    const own = host === hosts.at(-1) ? (options.token ?? token) : null
    const url = new URL(`${host.apiUrl}/repos/${source.owner}/${source.repository}${path}`)
    const headers = { accept: 'application/vnd.github+json', 'x-github-api-version': API_VERSION }
    const authorization = own === null ? null : new Secret(`Bearer ${own.reveal()}`)
    const response = await withRetries(
      () => http.request(url, { headers, authorization, signal: options.signal }),
      { signal: options.signal },
    )
    if (response.status === 200) return response
    throw await refusal(response, source, own !== null, now())
  }

  return {
    pin: async (source, options) => {
      for (const { ref, path, isLast } of placesOf(source)) {
        try {
          const response = await ask(source, `/commits/${encodeURIComponent(ref ?? 'HEAD')}`, options)
          const { sha, owner, repository } = readCommit(await readJson(response, MAX_ANSWER_BYTES), source)
          const pinned = { ...source, owner, repository, ref: sha, path }
          const folder = path === '' ? '' : `/${path.split('/').map(encodeURIComponent).join('/')}`
          return {
            source: pinned,
            content: sha,
            url: `https://${source.host}/${owner}/${repository}/tree/${sha}${folder}`,
          }
        } catch (error) {
          if (isLast || !(error instanceof UnknownRef)) throw error
        }
      }
      throw new CatwalkError('source_not_found', 'There is no such branch.')
    },
    tags: async (source, options) => {
      const answer = await readJson(await ask(source, '/tags?per_page=100', options), MAX_ANSWER_BYTES)
      return new Map(
        (Array.isArray(answer) ? (answer as unknown[]) : []).flatMap((tag): [string, string][] => {
          const { name, commit } = fields(tag)
          const { sha } = fields(commit)
          return typeof name === 'string' && typeof sha === 'string' && COMMIT.test(sha) ? [[name, sha]] : []
        }),
      )
    },
    archive: (source, options) => ask(source, `/tarball/${source.ref ?? 'HEAD'}`, options),
  }
}

/** The repository is there, the branch, tag or commit is not. */
class UnknownRef extends CatwalkError {}

interface Commit {
  readonly sha: string
  /** As GitHub names the repository today, which a link may not. */
  readonly owner: string
  readonly repository: string
}

function readCommit(answer: unknown, { host, owner, repository }: GithubSource): Commit {
  const { sha, html_url: page } = fields(answer)
  if (typeof sha !== 'string' || !COMMIT.test(sha)) {
    throw new CatwalkError('source_unavailable', `The answer of ${host} is not a commit.`)
  }
  const [, nowOwner, nowName] = /^https:\/\/[^/]+\/([\w-]+)\/([\w.-]+)\/commit\//.exec(String(page)) ?? []
  return { sha, owner: nowOwner ?? owner, repository: nowName ?? repository }
}

async function refusal(
  response: HttpResponse,
  source: GithubSource,
  hasToken: boolean,
  now: Date,
): Promise<CatwalkError> {
  const { status, headers } = response
  const message = fields(await readJson(response, MAX_ANSWER_BYTES).catch(() => null))['message']
  const said = typeof message === 'string' ? message : ''
  const name = `${source.owner}/${source.repository}`
  if (
    status === 429 ||
    (status === 403 && (headers['x-ratelimit-remaining'] === '0' || /rate limit/i.test(said)))
  ) {
    return rateLimited(response, hasToken, now)
  }
  switch (status) {
    case 401:
      return new CatwalkError('source_forbidden', `${source.host} does not accept the token.`)
    case 403:
    case 451:
      return new CatwalkError(
        'source_forbidden',
        `${source.host} refuses access to ${name}${said === '' ? '.' : `: ${quoted(said)}`}`,
      )
    case 404:
      return new CatwalkError(
        'source_not_found',
        `There is no repository ${name} on ${source.host}${hasToken ? ' that the token can read' : ', or it is private'}.`,
      )
    case 409:
      return new CatwalkError('source_not_found', `The repository ${name} is empty.`)
    case 422:
      return new UnknownRef(
        'source_not_found',
        `${name} has no branch, tag or commit ${quoted(source.ref ?? 'HEAD')}.`,
      )
    default:
      return new CatwalkError('source_unavailable', `${source.host} answers with status ${status}.`)
  }
}

/** The primary limit names its end; a secondary one says how long to wait (docs: "Rate limits for the REST API"). */
function rateLimited({ headers, url }: HttpResponse, hasToken: boolean, now: Date): CatwalkError {
  const reset = Number(headers['x-ratelimit-reset'])
  const wait = Number(headers['retry-after'])
  const isPrimary = headers['x-ratelimit-remaining'] === '0' && Number.isFinite(reset)
  const at = isPrimary
    ? new Date(reset * 1000)
    : new Date(now.getTime() + (Number.isFinite(wait) ? wait : 60) * 1000)
  const minutes = Math.max(1, Math.ceil((at.getTime() - now.getTime()) / 60_000))
  return new CatwalkError(
    'source_rate_limited',
    `${url.host} allows no more requests until ${at.toISOString().slice(11, 16)} UTC, in ${minutes} min.`,
    {
      details: { retryAt: at.toISOString() },
      ...(hasToken ? { help: 'Wait for the time that is named, then try again.' } : {}),
    },
  )
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
}
