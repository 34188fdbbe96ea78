import { createApiClient, type ApiClient } from '../contract/index.ts'
import { CatwalkError } from '../domain/index.ts'
import type { LocalInstallation } from './local-installation.ts'
import { readLogins } from './logins.ts'

/** Where the server is and who asks, as given on the command line; the environment fills what is missing. */
export interface ConnectionOptions {
  readonly url?: string
  readonly apiKey?: string
  readonly dataDir?: string
  /** Id. */
  readonly workspace?: string
}

/** Which server, with which key, and where the key comes from. */
export interface Connection {
  readonly origin: string
  readonly apiKey: string
  /** `given` on the command line or in the environment, by `login`, or `local`: that of this machine. */
  readonly keyFrom: 'given' | 'login' | 'local'
}

type Env = Readonly<Record<string, string | undefined>>
export type Locate = (dataDir: string | undefined) => Promise<LocalInstallation>

const START_HELP =
  'Start it with: bin/catwalk serve. A server elsewhere is named with: bin/catwalk login URL, or --url and CATWALK_URL.'

/**
 * The server that is named, else the one last logged in to, else the one that runs on this machine; `dataDir` asks for
 * the latter.
 * @throws CatwalkError `unavailable` when there is none, `unauthenticated` without a key, `invalid_request` for an
 *   address that is none
 */
export async function findConnection(
  options: ConnectionOptions,
  env: Env,
  locate: Locate,
): Promise<Connection> {
  const url = options.url ?? filled(env['CATWALK_URL'])
  const givenKey = options.apiKey ?? filled(env['CATWALK_API_KEY'])
  if (url !== undefined) {
    const origin = parseOrigin(url)
    if (givenKey !== undefined) return { origin, apiKey: givenKey, keyFrom: 'given' }
    const login = (await readLogins(env)).installations[origin]
    if (login !== undefined) return { origin, apiKey: login.apiKey, keyFrom: 'login' }
    // The key of the local installation is not for whatever address someone names.
    throw new CatwalkError('unauthenticated', `An API key is needed for ${origin}.`, {
      help: `Log in with: bin/catwalk login ${origin}, or give a key with CATWALK_API_KEY or --api-key.`,
    })
  }
  if (options.dataDir === undefined) {
    const { current, installations } = await readLogins(env)
    const login = current === null ? undefined : installations[current]
    if (current !== null && login !== undefined) {
      return givenKey === undefined
        ? { origin: current, apiKey: login.apiKey, keyFrom: 'login' }
        : { origin: current, apiKey: givenKey, keyFrom: 'given' }
    }
  }
  return localConnection(await locate(options.dataDir), givenKey)
}

function localConnection(local: LocalInstallation, givenKey: string | undefined): Connection {
  const origin = localOrigin(local)
  if (givenKey !== undefined) return { origin, apiKey: givenKey, keyFrom: 'given' }
  if (local.apiKey !== null) return { origin, apiKey: local.apiKey, keyFrom: 'local' }
  throw new CatwalkError('unauthenticated', `There is no key in ${local.dataDir} that this user can read.`, {
    help: `Log in with: bin/catwalk login, run the command as the user who runs Catwalk, or give a key with CATWALK_API_KEY.`,
  })
}

/** Where the program of this machine listens. @throws CatwalkError `unavailable` while it does not run */
export function localOrigin({ origin, dataDir }: LocalInstallation): string {
  if (origin !== null) return origin
  throw new CatwalkError('unavailable', `Catwalk is not running here (data directory ${dataDir}).`, {
    help: START_HELP,
  })
}

/** The client of a connection; its calls throw `unavailable` when the server cannot be reached. */
export async function connect(options: ConnectionOptions, env: Env, locate: Locate): Promise<ApiClient> {
  const { origin, apiKey } = await findConnection(options, env, locate)
  return clientOf(origin, apiKey, options.workspace)
}

/** @param apiKey undefined for routes that anybody may call */
export function clientOf(origin: string, apiKey: string | undefined, workspace?: string): ApiClient {
  return createApiClient({
    origin,
    ...(apiKey === undefined ? {} : { apiKey }),
    workspace: () => workspace,
    fetch: (input, init) => reachable(origin, input, init),
  })
}

async function reachable(origin: string, ...request: Parameters<typeof fetch>): Promise<Response> {
  try {
    return await fetch(...request)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new CatwalkError('unavailable', `Catwalk cannot be reached at ${origin}${reason(error)}.`, {
      help: START_HELP,
      cause: error,
    })
  }
}

/** The system's own word for it, such as ` (ECONNREFUSED)`; fetch hides it in the cause. */
function reason(error: Error): string {
  const { cause } = error
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? ` (${cause.code})` : ''
}

/** The origin of an address. @throws CatwalkError `invalid_request` */
export function parseOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new CatwalkError('invalid_request', `'${text}' is not the address of a server.`, {
      help: 'Write it like https://catwalk.example.com.',
      details: { field: 'url' },
    })
  }
  return url.origin
}

export function filled(value: string | undefined): string | undefined {
  return value === '' ? undefined : value
}
