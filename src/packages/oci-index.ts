import { createHash } from 'node:crypto'
import {
  anySignal,
  CatwalkError,
  Secret,
  type ImageIndex,
  type ImageInfo,
  type OciSource,
} from '../domain/index.ts'
import {
  createHttpClient,
  HttpFailure,
  readBytes,
  withRetries,
  type HttpClient,
  type HttpResponse,
} from '../network/index.ts'
import { rememberAnswers, STALE } from './stale-answers.ts'
import { readBearerChallenge, registryOrigin } from './oci-reference.ts'

export interface OciIndexOptions {
  readonly userAgent: string
  /** For one look-up with all its attempts. */
  readonly timeoutMs?: number
  /** Registries (`host:port`) that the operator runs: reached over plain HTTP and wherever they are. */
  readonly plainRegistries?: readonly string[]
  /** The platform whose image is described. Default: `linux/amd64`. */
  readonly platform?: { readonly os: string; readonly architecture: string }
}

const TIMEOUT_MS = 20_000
const MAX_MANIFEST_BYTES = 4 * 1024 * 1024
const MAX_CONFIG_BYTES = 8 * 1024 * 1024
const INDEX_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
]
const MANIFEST_TYPES = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
]

/** Looks images up in their registries (OCI Distribution Specification 1.1, "Pull"), with the token flow of Docker's. */
export function createOciIndex(options: OciIndexOptions): ImageIndex {
  const {
    userAgent,
    timeoutMs = TIMEOUT_MS,
    plainRegistries = [],
    platform = { os: 'linux', architecture: 'amd64' },
  } = options
  const plain = plainRegistries.map((host) => `http://${host}`)

  const remembered = rememberAnswers<ImageInfo>(STALE)

  return {
    resolve: (source, signal) =>
      remembered(nameOf(source), async () => {
        const limited = anySignal([signal, AbortSignal.timeout(timeoutMs)])
        using http = createHttpClient({ trustedOrigins: plain, userAgent })
        const origin =
          plain.find((trusted) => trusted === `http://${source.registry}`) ?? registryOrigin(source.registry)
        try {
          return await describe(
            source,
            createPuller(http, `${origin}/v2/${source.repository}`, limited),
            platform,
          )
        } catch (error) {
          signal.throwIfAborted()
          if (error instanceof CatwalkError) throw error
          const isRefused = error instanceof HttpFailure && error.kind === 'refused'
          throw isRefused
            ? new CatwalkError('source_refused', error.message, { cause: error })
            : unavailable(source, 'does not answer as expected', error)
        }
      }),
  }
}

/** Asks for a path below one repository; null when there is none. */
type Pull = (
  path: string,
  accept: readonly string[],
  maxBytes: number,
) => Promise<{ body: Buffer; response: HttpResponse } | null>

function createPuller(http: HttpClient, base: string, signal: AbortSignal): Pull {
  let authorization: Secret | null = null
  const ask = (path: string, accept: readonly string[]): Promise<HttpResponse> =>
    withRetries(
      () =>
        http.request(new URL(`${base}${path}`), {
          headers: { accept: accept.join(', ') },
          authorization,
          signal,
        }),
      { signal },
    )
  return async (path, accept, maxBytes) => {
    let response = await ask(path, accept)
    if (response.status === 401 && authorization === null) {
      response.body.destroy()
      authorization = await fetchToken(http, response.headers['www-authenticate'], signal)
      if (authorization === null) return null
      response = await ask(path, accept)
    }
    const body = await readBytes(response, maxBytes)
    if (response.status === 200) return { body, response }
    // A registry does not say whether a private repository is there.
    if ([401, 403, 404].includes(response.status)) return null
    throw new HttpFailure('malformed', `${response.url.host} answers with status ${response.status}.`)
  }
}

/** An anonymous token for reading one repository (distribution, "Token Authentication Specification"). */
async function fetchToken(
  http: HttpClient,
  challenge: string | undefined,
  signal: AbortSignal,
): Promise<Secret | null> {
  const asked = readBearerChallenge(challenge)
  if (asked === null) return null
  const url = new URL(asked.realm)
  if (asked.service !== null) url.searchParams.set('service', asked.service)
  if (asked.scope !== null) url.searchParams.set('scope', asked.scope)
  const response = await withRetries(() => http.request(url, { signal }), { signal })
  const body = await readBytes(response, MAX_MANIFEST_BYTES)
  if (response.status !== 200) return null
  const answer = parse(body)
  const token = answer['token'] ?? answer['access_token']
  return typeof token === 'string' ? new Secret(`Bearer ${token}`) : null
}

async function describe(
  source: OciSource,
  pull: Pull,
  platform: { readonly os: string; readonly architecture: string },
): Promise<ImageInfo> {
  const reference = source.digest ?? source.tag ?? 'latest'
  const top = await pull(`/manifests/${reference}`, [...INDEX_TYPES, ...MANIFEST_TYPES], MAX_MANIFEST_BYTES)
  if (top === null) throw notThere(source)
  const digest = checkDigest(top.body, source.digest, source)
  const manifest = parse(top.body)
  const type = manifest['mediaType'] ?? top.response.headers['content-type']?.split(';', 1)[0]
  const isIndex = INDEX_TYPES.some((known) => known === type)
  const entries = isIndex ? fieldsList(manifest['manifests']) : []
  const platforms = entries
    .map(({ platform: of }) => platformOf(of))
    .filter((name) => name !== 'unknown/unknown')
  const chosen = entries.find(
    ({ platform: of }) => platformOf(of) === `${platform.os}/${platform.architecture}`,
  )
  if (isIndex && chosen === undefined) {
    throw new CatwalkError(
      'version_not_found',
      `${nameOf(source)} has no image for ${platform.os}/${platform.architecture}.`,
    )
  }
  const image =
    chosen === undefined
      ? manifest
      : await pullJson(pull, `/manifests/${digestIn(chosen)}`, MANIFEST_TYPES, digestIn(chosen), source)
  const configDigest = digestIn(fields(image['config']))
  const config = await pullJson(pull, `/blobs/${configDigest}`, ['*/*'], configDigest, source)
  const run = fields(config['config'])
  return {
    registry: source.registry,
    repository: source.repository,
    tag: source.tag,
    digest,
    platforms: platforms.length > 0 ? platforms : [platformOf(config)],
    environment: texts(run['Env']),
    entrypoint: texts(run['Entrypoint']),
    command: texts(run['Cmd']),
    labels: Object.fromEntries(
      Object.entries(fields(run['Labels'])).filter(
        (entry): entry is [string, string] => typeof entry[1] === 'string',
      ),
    ),
    ports: Object.keys(fields(run['ExposedPorts'])),
    createdAt: dateOf(config['created']),
    compressedBytes: fieldsList(image['layers']).reduce(
      (sum, { size }) => sum + (typeof size === 'number' ? size : 0),
      0,
    ),
  }
}

async function pullJson(
  pull: Pull,
  path: string,
  accept: readonly string[],
  digest: string,
  source: OciSource,
): Promise<Fields> {
  const pulled = await pull(path, accept, MAX_CONFIG_BYTES)
  if (pulled === null) throw unavailable(source, 'lacks a part of the image')
  checkDigest(pulled.body, digest, source)
  return parse(pulled.body)
}

/** The digest of what was pulled. @throws CatwalkError when it is not the one that was asked for */
function checkDigest(body: Buffer, expected: string | null, source: OciSource): string {
  const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`
  if (expected !== null && expected !== digest)
    throw unavailable(source, 'gives content that does not have its digest')
  return digest
}

type Fields = Readonly<Record<string, unknown>>

function digestIn({ digest }: Fields): string {
  if (typeof digest === 'string' && /^sha256:[0-9a-f]{64}$/.test(digest)) return digest
  throw new HttpFailure('malformed', 'The manifest names no digest.')
}

function platformOf(value: unknown): string {
  const { os, architecture } = fields(value)
  return `${typeof os === 'string' ? os : 'unknown'}/${typeof architecture === 'string' ? architecture : 'unknown'}`
}

function parse(body: Buffer): Fields {
  try {
    return fields(JSON.parse(body.toString('utf8')))
  } catch (error) {
    throw new HttpFailure('malformed', 'The answer of the registry is not JSON.', error)
  }
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
}

function fieldsList(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(fields) : []
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

function dateOf(value: unknown): Date | null {
  const date = typeof value === 'string' ? new Date(value) : null
  return date === null || Number.isNaN(date.getTime()) ? null : date
}

function nameOf({ registry, repository, tag, digest }: OciSource): string {
  return `${registry}/${repository}${digest === null ? `:${tag ?? 'latest'}` : `@${digest}`}`
}

function notThere(source: OciSource): CatwalkError {
  return new CatwalkError('package_not_found', `There is no image ${nameOf(source)}, or it is private.`)
}

function unavailable(source: OciSource, what: string, cause?: unknown): CatwalkError {
  return new CatwalkError('package_index_unavailable', `The registry ${source.registry} ${what}.`, { cause })
}
