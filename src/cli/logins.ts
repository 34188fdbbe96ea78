import { chmod, mkdir, open, readFile, rename } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { CatwalkError } from '../domain/index.ts'

/** An installation that one has logged in to. */
export interface Login {
  readonly apiKey: string
  /** Id of the key when this command line made it; null for one that was pasted. */
  readonly keyId: string | null
}

export interface Logins {
  /** Origin of the one that commands talk to unless told otherwise; null without any. */
  readonly current: string | null
  readonly installations: Readonly<Record<string, Login>>
}

const NONE: Logins = { current: null, installations: {} }

type Env = Readonly<Record<string, string | undefined>>

/** Where logins are kept: `catwalk/logins.json` in the directory that the XDG specification names. */
function loginsPath(env: Env): string {
  const given = env['XDG_CONFIG_HOME']
  // The XDG specification: a relative path there is to be ignored.
  const home = given?.startsWith('/') === true ? given : join(env['HOME'] ?? homedir(), '.config')
  return join(home, 'catwalk', 'logins.json')
}

/** @throws CatwalkError `invalid_request` when the file is not what was written there */
export async function readLogins(env: Env): Promise<Logins> {
  const path = loginsPath(env)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return NONE
    throw new CatwalkError('invalid_request', `${path} cannot be read.`, {
      help: 'Make it readable for yourself, or remove it and log in again.',
      cause: error,
    })
  }
  const logins = parse(text)
  if (logins !== null) return logins
  throw new CatwalkError('invalid_request', `${path} is damaged.`, {
    help: 'Remove it and log in again with: bin/catwalk login',
  })
}

/** Replaces the file at once, readable for its owner alone. */
export async function writeLogins(env: Env, logins: Logins): Promise<void> {
  const path = loginsPath(env)
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.${process.pid}.new`
  const file = await open(draft, 'w', 0o600)
  try {
    await file.chmod(0o600)
    await file.writeFile(`${JSON.stringify(logins, null, 2)}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
  await chmod(path, 0o600)
}

/** Adds a login, which becomes the current one. */
export function withLogin(logins: Logins, origin: string, login: Login): Logins {
  return { current: origin, installations: { ...logins.installations, [origin]: login } }
}

/** Without a login. Of those that are left, none becomes the current one by itself. */
export function withoutLogin(logins: Logins, origin: string): Logins {
  const installations = Object.fromEntries(
    Object.entries(logins.installations).filter(([other]) => other !== origin),
  )
  return { current: logins.current === origin ? null : logins.current, installations }
}

function parse(text: string): Logins | null {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || !('installations' in value)) return null
    const { installations } = value
    if (typeof installations !== 'object' || installations === null) return null
    const entries = Object.entries(installations).map(([origin, login]: [string, unknown]) => {
      if (typeof login !== 'object' || login === null || !('apiKey' in login)) return null
      if (typeof login.apiKey !== 'string') return null
      const keyId = 'keyId' in login && typeof login.keyId === 'string' ? login.keyId : null
      return [origin, { apiKey: login.apiKey, keyId }] as const
    })
    if (entries.some((entry) => entry === null)) return null
    const current = 'current' in value && typeof value.current === 'string' ? value.current : null
    const known = Object.fromEntries(entries.filter((entry) => entry !== null))
    return { current: current !== null && current in known ? current : null, installations: known }
  } catch {
    return null
  }
}
