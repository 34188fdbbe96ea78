import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join, relative, sep } from 'node:path'
import { makeTarball, paxRecord, type TarEntry } from './tarball.ts'

/** Path to content; an entry of another type stands for itself. */
export type FakeTree = Readonly<Record<string, string | Buffer | Omit<TarEntry, 'path'>>>

export interface FakeRepository {
  /** `owner/name` */
  readonly name: string
  /** The tip of the default branch: a tree, or a folder of this machine, which is read anew at each request. */
  readonly files: FakeTree | string
  /** Default: `main`. */
  readonly defaultBranch?: string
  /** Further branches and tags, by name. A name may have slashes. */
  readonly branches?: Readonly<Record<string, FakeTree | string>>
  readonly tags?: Readonly<Record<string, FakeTree | string>>
  readonly private?: boolean
  readonly archived?: boolean
  readonly description?: string
  /** Names under which it was known before: they redirect, as GitHub does after a transfer. */
  readonly formerNames?: readonly string[]
  /** Served as the archive instead of the real one. */
  readonly archive?: (res: ServerResponse) => void
}

export interface FakeGithub extends AsyncDisposable {
  /** What `CATWALK_GITHUB_API_URL` is set to; no slash at the end. */
  readonly url: string
  /** `GET /repos/owner/name`, in order, archives included. */
  readonly requests: readonly string[]
  /** The token of each request, null without. */
  readonly tokens: readonly (string | null)[]
  publish(repository: FakeRepository): void
  /** The commit that a ref (default: the default branch) of a repository stands for. */
  commitOf(name: string, ref?: string): string
  /** Takes over all answers until it is set to null again; `answer` gives the ordinary one. */
  interfere(handler: Interference | null): void
}

type Interference = (req: IncomingMessage, res: ServerResponse, answer: () => void) => void

export interface FakeGithubOptions {
  /** Tokens that are accepted, each with the private repositories it may read. Another one is answered with 401. */
  readonly tokens?: Readonly<Record<string, readonly string[]>>
  /** Requests an hour that a caller without a token has (GitHub gives 60); default 5,000, as with a token. */
  readonly anonymousLimit?: number
  /** As an Enterprise server: the API lies under `/api/v3`, archives under `/_codeload`. */
  readonly enterprise?: boolean
}

const HOUR_S = 3600

/**
 * GitHub's REST API on loopback, as far as reading a repository needs it, in the shapes of its documentation (version
 * 2022-11-28): repositories, commits, refs, contents, archives by redirect, rate limits, private repositories.
 */
export async function startGithub(
  repositories: readonly FakeRepository[] = [],
  options: FakeGithubOptions = {},
): Promise<FakeGithub> {
  const published = new Map<string, FakeRepository>()
  const requests: string[] = []
  const tokens: (string | null)[] = []
  const used = new Map<string, number>()
  let interference: Interference | null = null
  const prefix = options.enterprise === true ? '/api/v3' : ''

  const answer = (req: IncomingMessage, res: ServerResponse): void => {
    const url = new URL(req.url ?? '/', `http://${req.headers.host ?? 'localhost'}`)
    const token = tokenOf(req)
    const archive = /^\/_codeload\/(.+)$/.exec(url.pathname)
    if (archive !== null) return serveArchive(res, archive[1] ?? '', url.searchParams.get('token'))
    if (!url.pathname.startsWith(`${prefix}/`)) return refuse(res, 404, 'Not Found')
    if (token !== null && options.tokens?.[token] === undefined) return refuse(res, 401, 'Bad credentials')
    const caller = token ?? 'anonymous'
    const limit = token === null ? (options.anonymousLimit ?? 5000) : 5000
    const count = (used.get(caller) ?? 0) + 1
    used.set(caller, count)
    rateHeaders(res, limit, count)
    if (count > limit) {
      return refuse(res, 403, `API rate limit exceeded for ${token === null ? '127.0.0.1' : 'user ID 1'}.`)
    }
    const path = url.pathname.slice(prefix.length)
    if (path === '/user') {
      return token === null
        ? refuse(res, 401, 'Requires authentication')
        : json(res, 200, { login: 'octocat', id: 1, type: 'User' })
    }
    serveApi(res, url, path, token)
  }

  const visible = (name: string, token: string | null): FakeRepository | null => {
    const found = published.get(name.toLowerCase())
    if (found === undefined) return null
    const mayRead = token !== null && options.tokens?.[token]?.includes(found.name) === true
    return found.private === true && !mayRead ? null : found
  }

  const serveApi = (res: ServerResponse, url: URL, path: string, token: string | null): void => {
    const [, owner = '', name = '', rest = ''] = /^\/repos\/([^/]+)\/([^/]+)(?:\/(.*))?$/.exec(path) ?? []
    const renamed = [...published.values()].find((one) =>
      one.formerNames?.some((former) => former.toLowerCase() === `${owner}/${name}`.toLowerCase()),
    )
    if (renamed !== undefined) {
      // GitHub names the repository by its id here; a client only follows.
      const location = `${url.origin}${prefix}/repos/${renamed.name}${rest === '' ? '' : `/${rest}`}`
      return json(res, 301, { message: 'Moved Permanently', url: location }, { location })
    }
    const repository = visible(`${owner}/${name}`, token)
    if (repository === null) return refuse(res, 404, 'Not Found')
    const [resource = '', ...parts] = rest.split('/').map(decodeURIComponent)
    const wanted = parts.join('/')
    switch (resource) {
      case '':
        return json(res, 200, describe(repository, url.origin))
      case 'commits': {
        const commit = findCommit(repository, wanted === '' ? 'HEAD' : wanted)
        return commit === null
          ? refuse(res, 422, `No commit found for SHA: ${wanted}`)
          : json(res, 200, commitBody(repository, commit))
      }
      case 'tags':
        return json(
          res,
          200,
          Object.keys(repository.tags ?? {}).map((tag) => ({
            name: tag,
            commit: { sha: findCommit(repository, `tags/${tag}`)?.sha ?? '', url: url.href },
          })),
        )
      case 'git': {
        const ref = wanted.replace(/^ref\//, '')
        const commit = /^(?:heads|tags)\//.test(ref) ? findCommit(repository, ref) : null
        if (commit === null) return refuse(res, 404, 'Not Found')
        return json(res, 200, { ref: `refs/${ref}`, object: { sha: commit.sha, type: 'commit' } })
      }
      case 'tarball': {
        const commit = findCommit(repository, wanted === '' ? 'HEAD' : wanted)
        if (commit === null) return refuse(res, 404, 'Not Found')
        // Without the token of the API: the link carries one of its own that is good for a while.
        const link = `${url.origin}/_codeload/${repository.name}/legacy.tar.gz/${commit.sha}${repository.private === true ? '?token=once' : ''}`
        res.writeHead(302, { location: link }).end()
        return
      }
      case 'contents': {
        const commit = findCommit(repository, url.searchParams.get('ref') ?? 'HEAD')
        const content = commit?.tree[wanted]
        if (commit === null || content === undefined) return refuse(res, 404, 'Not Found')
        return json(res, 200, contentBody(wanted, content))
      }
      default:
        return refuse(res, 404, 'Not Found')
    }
  }

  const serveArchive = (res: ServerResponse, path: string, token: string | null): void => {
    const [, name = '', sha = ''] = /^([^/]+\/[^/]+)\/legacy\.tar\.gz\/(\w+)$/.exec(path) ?? []
    const repository = published.get(name.toLowerCase())
    const commit = repository === undefined ? null : findCommit(repository, sha)
    if (repository === undefined || commit === null || (repository.private === true && token !== 'once')) {
      res.writeHead(404, { 'content-type': 'text/plain' }).end('404: Not Found')
      return
    }
    if (repository.archive !== undefined) return repository.archive(res)
    // Chunked, as codeload answers: the length is not known before.
    res.writeHead(200, { 'content-type': 'application/x-gzip' })
    res.end(archiveOf(repository, commit))
  }

  const server = createServer((req, res) => {
    requests.push(`${req.method ?? ''} ${req.url ?? ''}`)
    tokens.push(tokenOf(req))
    if (interference === null) answer(req, res)
    else interference(req, res, () => answer(req, res))
  })
  const publish = (repository: FakeRepository): void =>
    void published.set(repository.name.toLowerCase(), repository)
  repositories.forEach(publish)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the fake has no port')
  return {
    url: `http://127.0.0.1:${address.port}${prefix}`,
    requests,
    tokens,
    publish,
    commitOf: (name, ref = 'HEAD') => {
      const repository = published.get(name.toLowerCase())
      const commit = repository === undefined ? null : findCommit(repository, ref)
      if (commit === null) throw new Error(`${name} has no ${ref}`)
      return commit.sha
    },
    interfere: (handler) => {
      interference = handler
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

interface Commit {
  readonly sha: string
  readonly tree: FakeTree
}

/** By branch, tag, `heads/…`, `tags/…`, `HEAD` or (an unambiguous beginning of) the hash. */
function findCommit(repository: FakeRepository, ref: string): Commit | null {
  const main = repository.defaultBranch ?? 'main'
  const branches = { ...repository.branches, [main]: repository.files }
  const name = ref.replace(/^refs\//, '')
  const files =
    name === 'HEAD'
      ? repository.files
      : (branches[name.replace(/^heads\//, '')] ?? repository.tags?.[name.replace(/^tags\//, '')])
  if (files !== undefined) return commitFor(files)
  if (!/^[0-9a-f]{7,40}$/.test(name)) return null
  const all = [...Object.values(branches), ...Object.values(repository.tags ?? {})].map(commitFor)
  return all.find(({ sha }) => sha.startsWith(name)) ?? null
}

/** The same files have the same hash. It is no real git hash. */
function commitFor(files: FakeTree | string): Commit {
  const tree = typeof files === 'string' ? readFolder(files) : files
  const hash = createHash('sha1')
  for (const [path, content] of Object.entries(tree)) {
    hash.update(path).update('\0')
    hash.update(typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content))
  }
  return { sha: hash.digest('hex'), tree }
}

function readFolder(folder: string): FakeTree {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  return Object.fromEntries(
    files
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [relative(folder, path).split(sep).join('/'), readFileSync(path)]),
  )
}

/** With the commit in a global header and one folder around everything, as GitHub packs it. */
function archiveOf({ name }: FakeRepository, { sha, tree }: Commit): Buffer {
  const root = `${name.replace('/', '-')}-${sha.slice(0, 7)}/`
  return makeTarball([
    { path: 'pax_global_header', content: paxRecord('comment', sha), type: 'global' },
    { path: root, content: '', type: 'folder', mode: 0o755 },
    ...Object.entries(tree).map(([path, content]): TarEntry =>
      typeof content === 'string' || Buffer.isBuffer(content)
        ? { path: `${root}${path}`, content }
        : { ...content, path: `${root}${path}` },
    ),
  ])
}

function describe(repository: FakeRepository, origin: string): object {
  const [owner = '', name = ''] = repository.name.split('/')
  return {
    id: 1,
    name,
    full_name: repository.name,
    private: repository.private === true,
    owner: { login: owner, id: 1, type: 'User' },
    html_url: `https://github.com/${repository.name}`,
    description: repository.description ?? null,
    fork: false,
    url: `${origin}/repos/${repository.name}`,
    archived: repository.archived === true,
    disabled: false,
    visibility: repository.private === true ? 'private' : 'public',
    default_branch: repository.defaultBranch ?? 'main',
    stargazers_count: 0,
    license: null,
    topics: [],
  }
}

function commitBody(repository: FakeRepository, { sha }: Commit): object {
  return {
    sha,
    node_id: sha,
    commit: {
      message: 'A commit',
      author: { name: 'A', email: 'a@example.com', date: '2026-01-02T03:04:05Z' },
    },
    html_url: `https://github.com/${repository.name}/commit/${sha}`,
    parents: [],
  }
}

function contentBody(path: string, content: FakeTree[string]): object {
  const data = Buffer.from(
    typeof content === 'string' || Buffer.isBuffer(content) ? content : content.content,
  )
  return {
    type: 'file',
    encoding: 'base64',
    size: data.length,
    name: path.split('/').at(-1),
    path,
    content: data.toString('base64'),
  }
}

function tokenOf(req: IncomingMessage): string | null {
  return /^(?:Bearer|token) (.+)$/.exec(req.headers.authorization ?? '')?.[1] ?? null
}

function rateHeaders(res: ServerResponse, limit: number, used: number): void {
  res.setHeader('x-ratelimit-limit', limit)
  res.setHeader('x-ratelimit-remaining', Math.max(0, limit - used))
  res.setHeader('x-ratelimit-used', used)
  res.setHeader('x-ratelimit-reset', Math.floor(Date.now() / 1000) + HOUR_S)
  res.setHeader('x-ratelimit-resource', 'core')
}

function refuse(res: ServerResponse, status: number, message: string): void {
  json(res, status, { message, documentation_url: 'https://docs.github.com/rest', status: String(status) })
}

function json(res: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  res
    .writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers })
    .end(JSON.stringify(body))
}
