import { queries } from '../db/index.ts'
import type { Actor } from '../domain/index.ts'
import type { AskedAnswer, AskOwn, OAuthOptions } from './context.ts'
import { isRegistered } from './redirect-uris.ts'

interface ReplayStep {
  readonly step: string
  readonly ok: boolean
  readonly detail: string
  /** What to do; null when there is nothing to do. */
  readonly fix: string | null
}

interface Replay {
  readonly client: string
  readonly ok: boolean
  /** In order, up to the first that fails. */
  readonly steps: readonly ReplayStep[]
}

interface Known {
  readonly client: string
  /** Whether it calls from the internet and not from the person's machine. */
  readonly hosted: boolean
  /** Where it looks for the server's metadata; `*` stands for the endpoint's path. */
  readonly metadata: readonly string[]
  /** Host of its metadata document; null when it only registers itself. */
  readonly documentHost: string | null
  readonly registers: boolean
  readonly redirect: string
}

const AS = '/.well-known/oauth-authorization-server*'
const OIDC = ['/.well-known/openid-configuration*', '*/.well-known/openid-configuration']

const CLIENTS: readonly Known[] = [
  {
    client: 'Claude',
    hosted: true,
    metadata: [AS],
    documentHost: 'claude.ai',
    registers: true,
    redirect: 'https://claude.ai/api/mcp/auth_callback',
  },
  {
    client: 'Claude Code',
    hosted: false,
    metadata: [AS],
    documentHost: 'claude.ai',
    registers: true,
    redirect: 'http://localhost:54545/callback',
  },
  {
    client: 'ChatGPT',
    hosted: true,
    metadata: [AS, ...OIDC],
    documentHost: 'chatgpt.com',
    registers: true,
    redirect: 'https://chatgpt.com/connector/oauth/any',
  },
  {
    client: 'Cursor',
    hosted: false,
    metadata: [AS],
    documentHost: null,
    registers: true,
    redirect: 'cursor://anysphere.cursor-mcp/oauth/callback',
  },
  {
    client: 'VS Code',
    hosted: false,
    metadata: [AS, ...OIDC],
    documentHost: 'vscode.dev',
    registers: true,
    redirect: 'http://127.0.0.1:33418/',
  },
]

/**
 * Does what each client does before it shows a page to sign in, at the address that it would use.
 * @throws CatwalkError `deployment_not_found`
 */
export async function replayDiscovery(
  options: OAuthOptions,
  actor: Actor,
  idOrSlug: string,
): Promise<readonly Replay[]> {
  const { slug } = await queries.findEndpoint(options.db, actor.workspaceId, idOrSlug)
  const replays: Replay[] = []
  for (const known of CLIENTS) {
    const steps: ReplayStep[] = []
    for await (const step of stepsOf(known, options, slug)) {
      steps.push(step)
      if (!step.ok) break
    }
    replays.push({ client: known.client, ok: steps.every(({ ok }) => ok), steps })
  }
  return replays
}

const good = (step: string, detail: string): ReplayStep => ({ step, ok: true, detail, fix: null })
const bad = (step: string, detail: string, fix: string): ReplayStep => ({ step, ok: false, detail, fix })

async function* stepsOf(
  known: Known,
  { publicUrl, documentHosts, askOwn: ask }: OAuthOptions,
  slug: string,
): AsyncGenerator<ReplayStep> {
  const endpoint = `${publicUrl}/mcp/${slug}`
  if (known.hosted) yield reachable(publicUrl)

  const bare = await tried(async () => ask(endpoint, { method: 'POST', body: INITIALIZE }))
  const step = 'call without a token'
  if (bare === null) {
    yield bad(
      step,
      `${publicUrl} does not answer.`,
      'Check CATWALK_PUBLIC_URL, and that the reverse proxy leads here.',
    )
    return
  }
  if (bare.status !== 401) {
    yield bare.status < 300
      ? good(step, 'Everybody is let in, so there is nothing to sign in to.')
      : bad(step, `It is answered with ${bare.status} and not with 401.`, PROXY)
    return
  }
  const told = /resource_metadata="([^"]+)"/.exec(bare.challenge ?? '')?.[1]
  if (told === undefined) {
    yield known.hosted
      ? bad(
          step,
          'The endpoint takes only tokens, and this client has none.',
          `Let people sign in: bin/catwalk settings ${slug} --access both`,
        )
      : good(
          step,
          'The endpoint takes only tokens: no discovery is served, so the token that it was given is used.',
        )
    return
  }
  yield good(step, '401, with the address of the metadata.')

  const resource = await tried(async () => ask(told, { method: 'GET' }))
  if (resource?.status !== 200 || resource.body === null) {
    yield bad('metadata of the endpoint', `${told} ${answered(resource)}.`, PROXY)
    return
  }
  if (resource.body['resource'] !== endpoint) {
    yield bad('metadata of the endpoint', 'It is of another address than the one that was asked.', PUBLIC_URL)
    return
  }
  yield good('metadata of the endpoint', told)

  const metadata = await firstMetadata(known, endpoint, ask)
  if (metadata === null) {
    yield bad('metadata of the server', 'None of the addresses that it asks answers.', PROXY)
    return
  }
  if (metadata.body['issuer'] !== endpoint) {
    yield bad('metadata of the server', 'It names another issuer than was asked.', PUBLIC_URL)
    return
  }
  yield good('metadata of the server', metadata.url)

  yield introduction(known, documentHosts)
  yield isRegistered([known.redirect], known.redirect)
    ? good('way back', known.redirect)
    : bad('way back', `${known.redirect} may not be a redirect.`, 'Report it: this client is said to work.')
}

function reachable(publicUrl: string): ReplayStep {
  const { protocol, hostname } = new URL(publicUrl)
  const isOwn = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
  if (!isOwn && protocol === 'https:')
    return good('reach it from the internet', `${publicUrl} is an https address.`)
  return bad(
    'reach it from the internet',
    isOwn ? `${publicUrl} is an address of this machine.` : `${publicUrl} has no https.`,
    'Put a reverse proxy or tunnel with https in front and set CATWALK_PUBLIC_URL.',
  )
}

async function firstMetadata(
  { metadata }: Known,
  endpoint: string,
  ask: AskOwn,
): Promise<{ readonly url: string; readonly body: Readonly<Record<string, unknown>> } | null> {
  const { origin, pathname } = new URL(endpoint)
  for (const path of metadata) {
    const url = origin + path.replace('*', pathname)
    const answer = await tried(async () => ask(url, { method: 'GET' }))
    if (answer?.status === 200 && answer.body !== null) return { url, body: answer.body }
  }
  return null
}

function introduction({ documentHost, registers }: Known, trusted: readonly string[] | null): ReplayStep {
  const step = 'say who it is'
  const isTrusted =
    documentHost !== null &&
    (trusted === null || trusted.some((host) => documentHost === host || documentHost.endsWith(`.${host}`)))
  if (isTrusted) return good(step, `By its metadata document at ${documentHost}.`)
  if (registers) return good(step, 'It registers itself.')
  return bad(
    step,
    `Documents of ${documentHost ?? 'it'} are not accepted.`,
    'Add the host to CATWALK_OAUTH_CLIENT_HOSTS.',
  )
}

function answered(answer: AskedAnswer | null): string {
  if (answer === null) return 'does not answer'
  return answer.status === 200 ? 'answers with something else than JSON' : `answers with ${answer.status}`
}

async function tried<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work()
  } catch {
    return null
  }
}

const PROXY =
  'Have the reverse proxy pass on /mcp/, /oauth/ and /.well-known/ with the Host header, and answer none of them itself.'
const PUBLIC_URL = 'Set CATWALK_PUBLIC_URL to the address that clients use, to the letter.'

const INITIALIZE = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'catwalk-doctor', version: '1' },
  },
})
