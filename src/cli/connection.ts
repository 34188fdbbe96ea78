import { createApiClient, type ApiClient } from '../contract/index.ts'
import { CatwalkError } from '../domain/index.ts'
import type { LocalInstallation } from './local-installation.ts'

/** Where the server is and who asks, as given on the command line; the environment fills what is missing. */
export interface ConnectionOptions {
  readonly url?: string
  readonly apiKey?: string
  readonly dataDir?: string
  /** Id. */
  readonly workspace?: string
}

const START_HELP = 'Start it with: bin/catwalk serve. A server elsewhere is named with --url or CATWALK_URL.'

/**
 * A client of the server that is named, else of the one that runs on this machine.
 * @throws CatwalkError `unavailable` when there is none, `unauthenticated` without a key, `invalid_request` for an
 *   address that is none; its calls throw `unavailable` when the server cannot be reached
 */
export async function connect(
  options: ConnectionOptions,
  env: Readonly<Record<string, string | undefined>>,
  locate: (dataDir: string | undefined) => Promise<LocalInstallation>,
): Promise<ApiClient> {
  const url = options.url ?? filled(env['CATWALK_URL'])
  const givenKey = options.apiKey ?? filled(env['CATWALK_API_KEY'])
  if (url !== undefined) {
    if (givenKey === undefined) {
      // The key of the local installation is not for whatever address someone names.
      throw new CatwalkError('unauthenticated', `An API key is needed for ${url}.`, {
        help: 'Give it with CATWALK_API_KEY or --api-key.',
      })
    }
    return client(parseOrigin(url), givenKey, options.workspace)
  }
  const local = await locate(options.dataDir)
  if (local.origin === null) {
    throw new CatwalkError('unavailable', `Catwalk is not running here (data directory ${local.dataDir}).`, {
      help: START_HELP,
    })
  }
  const apiKey = givenKey ?? local.apiKey
  if (apiKey === null) {
    throw new CatwalkError(
      'unauthenticated',
      `There is no key in ${local.dataDir} that this user can read.`,
      {
        help: 'Run the command as the user who runs Catwalk, or give a key with CATWALK_API_KEY.',
      },
    )
  }
  return client(local.origin, apiKey, options.workspace)
}

function client(origin: string, apiKey: string, workspace: string | undefined): ApiClient {
  return createApiClient({
    origin,
    apiKey,
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

function parseOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new CatwalkError('invalid_request', `'${text}' is not the address of a server.`, {
      help: 'Write it like https://catwalk.example.com.',
      details: { field: 'url' },
    })
  }
  return url.origin
}

function filled(value: string | undefined): string | undefined {
  return value === '' ? undefined : value
}
