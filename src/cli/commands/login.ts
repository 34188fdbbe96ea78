import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { ApiClient, RouteOutput } from '../../contract/index.ts'
import { anySignal, CatwalkError } from '../../domain/index.ts'
import { cleanLine } from '../clean-text.ts'
import { clientOf, filled, findConnection, localOrigin, parseOrigin } from '../connection.ts'
import type { CommandContext, CommonOptions } from '../context.ts'
import { readAll } from '../input.ts'
import { readLogins, withLogin, withoutLogin, writeLogins, type Login } from '../logins.ts'

export interface LoginOptions extends CommonOptions {
  readonly apiKeyStdin?: boolean
  readonly name?: string
  /** Seconds. */
  readonly timeout: number
}

export interface LogoutOptions extends CommonOptions {
  readonly all?: boolean
  readonly revoke?: boolean
}

const CALL_MS = 30_000

/** Logs in to an installation and keeps the key; from then on commands talk to it. */
export async function login(
  context: CommandContext,
  url: string | undefined,
  options: LoginOptions,
): Promise<void> {
  const { host, output, signal } = context
  const named = url ?? options.url ?? filled(host.env['CATWALK_URL'])
  const origin = named === undefined ? localOrigin(await context.installation()) : parseOrigin(named)
  requireSafe(origin)
  const former = await readLogins(host.env)
  const made =
    options.apiKeyStdin === true
      ? { apiKey: (await readAll(host.stdin, signal)).trim(), keyId: null }
      : await loginByBrowser(context, origin, options)
  const me = await clientOf(origin, made.apiKey).call('getMe', {}, within(signal))
  await writeLogins(host.env, withLogin(former, origin, made))
  const replaced = former.installations[origin]
  // The key that this command line had before would else stay behind, valid and used by nobody.
  if (replaced !== undefined && replaced.apiKey !== made.apiKey) await revoke(origin, replaced, signal)
  output.result({ origin, ...summary(me) }, () => `Logged in to ${origin} as ${describe(me)}.`)
}

/** Forgets a key, and revokes it where this command line made it. */
export async function logout(
  context: CommandContext,
  url: string | undefined,
  options: LogoutOptions,
): Promise<void> {
  const { host, output, signal } = context
  const logins = await readLogins(host.env)
  const origins =
    options.all === true ? Object.keys(logins.installations) : [chosen(url ?? options.url, logins)]
  const done: { origin: string; revoked: boolean }[] = []
  let left = logins
  for (const origin of origins) {
    const kept = logins.installations[origin]
    if (kept === undefined) {
      throw new CatwalkError('invalid_request', `You are not logged in to ${origin}.`, {
        help: 'See where you are with: bin/catwalk whoami',
      })
    }
    const isOurs = kept.keyId !== null || options.revoke === true
    const revoked = isOurs && (await revoke(origin, kept, signal))
    left = withoutLogin(left, origin)
    await writeLogins(host.env, left)
    if (isOurs && !revoked) {
      output.note(
        `${origin} could not be reached, so its key may still be valid. Revoke it in the dashboard: API keys.`,
      )
    }
    done.push({ origin, revoked })
  }
  output.result(done, () =>
    done
      .map(({ origin, revoked }) =>
        revoked
          ? `Logged out of ${origin}. The key is revoked.`
          : `Logged out of ${origin}. The key is forgotten here; elsewhere it works on.`,
      )
      .join('\n'),
  )
}

/** Says to which server commands talk, as whom, and why. */
export async function whoami(context: CommandContext, options: CommonOptions): Promise<void> {
  const { host, output } = context
  const { origin, keyFrom } = await findConnection(options, host.env, () => context.installation())
  const me = await context.call('getMe', {})
  const others = Object.keys((await readLogins(host.env)).installations).filter((other) => other !== origin)
  output.result({ origin, keyFrom, ...summary(me), otherLogins: others }, () =>
    [
      describe(me),
      `Server:     ${origin}`,
      `Workspace:  ${cleanLine(me.workspace.name)} (${me.workspace.id}), role ${me.role}`,
      `Key:        ${WHERE[keyFrom]}${expiry(me)}`,
      ...(others.length === 0 ? [] : [`Also in:    ${others.join(', ')}`]),
    ].join('\n'),
  )
}

const WHERE = {
  given: 'given on the command line or in CATWALK_API_KEY',
  login: 'kept by bin/catwalk login',
  local: 'that of the installation on this machine',
}

async function loginByBrowser(
  context: CommandContext,
  origin: string,
  options: LoginOptions,
): Promise<Login> {
  const { output, signal } = context
  const api = clientOf(origin, undefined)
  const name = options.name ?? `catwalk on ${hostname()}`.slice(0, 80)
  const started = await api.call('startDeviceLogin', { body: { client: name } }, within(signal))
  output.note(`Open this page, compare the code, and approve it:\n\n  ${cleanLine(started.url)}\n`)
  output.note(`  Code: ${output.noteStyle('bold', cleanLine(started.userCode))}\n`)
  output.note('Waiting for you …')
  const limit = AbortSignal.timeout(options.timeout * 1000)
  try {
    return await collect(api, started, anySignal([signal, limit]))
  } catch (error) {
    if (!limit.aborted || signal.aborted) throw error
    throw new CatwalkError('wait_timeout', `Nobody approved it within ${options.timeout} s.`, {
      help: 'Start again with: bin/catwalk login',
    })
  }
}

async function collect(
  api: ApiClient,
  { deviceCode, intervalS: first }: RouteOutput<'startDeviceLogin'>,
  signal: AbortSignal,
): Promise<Login> {
  let intervalS = first
  for (;;) {
    await delay(intervalS * 1000, undefined, { signal })
    const now = await api.call('collectDeviceLogin', { body: { deviceCode } }, within(signal))
    switch (now.state) {
      case 'pending':
        intervalS = now.intervalS
        break
      case 'denied':
        throw new CatwalkError('forbidden', 'The login was denied in the dashboard.', {
          help: 'Start again with: bin/catwalk login',
        })
      case 'approved':
        return { apiKey: now.key, keyId: now.keyId }
    }
  }
}

/** Whether the server has revoked the key, or does not know it any more. */
async function revoke(origin: string, { apiKey, keyId }: Login, signal: AbortSignal): Promise<boolean> {
  const api = clientOf(origin, apiKey)
  try {
    const id = keyId ?? (await api.call('getMe', {}, within(signal))).apiKey?.id
    if (id === undefined) return false
    await api.call('revokeApiKey', { params: { id } }, within(signal))
    return true
  } catch (error) {
    signal.throwIfAborted()
    return error instanceof Error && 'status' in error && (error.status === 401 || error.status === 404)
  }
}

function chosen(url: string | undefined, logins: { current: string | null }): string {
  if (url !== undefined) return parseOrigin(url)
  if (logins.current !== null) return logins.current
  throw new CatwalkError(
    'invalid_request',
    'You are not logged in anywhere, or to several without a current one.',
    {
      help: 'Name the server: bin/catwalk logout URL, or use --all.',
    },
  )
}

/** A key over plain http could be read by whoever is on the way. */
function requireSafe(origin: string): void {
  const { protocol, hostname: name } = new URL(origin)
  if (protocol === 'https:' || name === 'localhost' || name === '[::1]' || name.startsWith('127.')) return
  throw new CatwalkError('invalid_request', `${origin} is http, and not on this machine.`, {
    help: 'Log in at its https address: a key would travel in clear.',
    details: { field: 'url' },
  })
}

function within(signal: AbortSignal): AbortSignal {
  return anySignal([signal, AbortSignal.timeout(CALL_MS)])
}

function summary(me: RouteOutput<'getMe'>) {
  const { user, apiKey, workspace, role, isInstallationAdmin } = me
  return { user, apiKey, workspace, role, isInstallationAdmin }
}

function expiry({ apiKey }: RouteOutput<'getMe'>): string {
  return apiKey === null || apiKey.expiresAt === null ? '' : `, expires ${apiKey.expiresAt}`
}

function describe(me: RouteOutput<'getMe'>): string {
  if (me.user !== null) return cleanLine(`${me.user.name} (${me.user.email})`)
  return me.apiKey === null ? 'nobody' : cleanLine(`the API key “${me.apiKey.name}”`)
}
