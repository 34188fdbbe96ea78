import { userInfo } from 'node:os'
import { CatwalkError, quoted, Secret } from '../domain/index.ts'

const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
/** How TLS is used, with the meaning that PostgreSQL's own clients give these words. */
export type SslMode = (typeof SSL_MODES)[number]

/** What a connection URL says. */
export interface ConnectionTarget {
  /** A name, an address, or the directory of a Unix socket (it then starts with a slash). */
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: Secret | null
  readonly database: string
  readonly sslMode: SslMode
  /** File with the certificates to trust, or `system` for those that come with Node, or null when not said. */
  readonly sslRootCert: string | null
  /** Client certificate and key, PEM files. */
  readonly sslCert: string | null
  readonly sslKey: string | null
  readonly applicationName: string
  /** Command-line options for the server's side, e.g. `-c search_path=catwalk`. */
  readonly options: string | null
  /** Parameters that have no meaning here, by name. Providers add theirs, so they are no reason to fail. */
  readonly ignored: readonly string[]
}

const KNOWN = new Set([
  'host',
  'port',
  'user',
  'password',
  'dbname',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'application_name',
  'options',
])

/**
 * Reads a `postgres://` or `postgresql://` URL. A Unix socket is `postgres:///name?host=/directory` or
 * `postgres://%2Fdirectory/name`. Parameters win over the same thing in the URL's front part.
 * @throws CatwalkError `config_invalid`, never with the password in it
 */
export function parseConnectionUrl(url: Secret): ConnectionTarget {
  const text = url.reveal().trim()
  const parsed = parseUrl(text)
  const parameters = parsed.searchParams
  const mode = parameters.get('sslmode') ?? 'prefer'
  const sslMode = SSL_MODES.find((known) => known === mode)
  if (sslMode === undefined) throw invalid(`sslmode is ${quoted(mode)}; it can be ${SSL_MODES.join(', ')}`)
  const password = parameters.get('password') ?? decoded(parsed.password)
  const user = (parameters.get('user') ?? decoded(parsed.username)) || userInfo().username
  return {
    host: (parameters.get('host') ?? decoded(parsed.hostname).replace(/^\[(.*)\]$/, '$1')) || 'localhost',
    port: portOf(parameters.get('port') ?? parsed.port),
    user,
    password: password === '' ? null : new Secret(password),
    database: (parameters.get('dbname') ?? decoded(parsed.pathname.slice(1))) || user,
    sslMode,
    sslRootCert: parameters.get('sslrootcert'),
    sslCert: parameters.get('sslcert'),
    sslKey: parameters.get('sslkey'),
    applicationName: parameters.get('application_name') ?? 'catwalk',
    options: parameters.get('options'),
    ignored: [...new Set(parameters.keys())].filter((name) => !KNOWN.has(name)),
  }
}

function parseUrl(text: string): URL {
  if (!/^postgres(?:ql)?:\/\//.test(text))
    throw invalid('it does not start with postgres:// or postgresql://')
  // The URL standard refuses user:password@ without a host, which is how a socket is written with a user.
  const parsed = URL.parse(text.replace(/^([^/]*\/\/[^/?#]*@)(?=[/?]|$)/, '$1localhost'))
  if (parsed === null || parsed.hash !== '') {
    throw invalid('it is not a valid URL; write characters such as # / ? @ in a password as %23 %2F %3F %40')
  }
  return parsed
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalid('it has a % that is not followed by two hexadecimal digits; write % as %25')
  }
}

function portOf(text: string): number {
  const port = text === '' ? 5432 : Number(text)
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw invalid(`the port ${quoted(text)} is not a port`)
  return port
}

function invalid(reason: string): CatwalkError {
  return new CatwalkError('config_invalid', `DATABASE_URL cannot be used: ${reason}.`, {
    help: 'Write it as postgres://user:password@host:5432/database, with ?sslmode=… when it needs TLS.',
    details: { field: 'DATABASE_URL' },
  })
}

/** The target in words for messages and logs: no password. */
export function describeTarget(target: ConnectionTarget): string {
  return `database ${quoted(target.database)} at ${target.host}${target.host.startsWith('/') ? '' : `:${target.port}`}`
}
