import { setTimeout as delay } from 'node:timers/promises'
import { Client, DatabaseError, type ClientConfig } from 'pg'
import { CatwalkError, orAborted, type Logger } from '../domain/index.ts'
import { describeTarget, type ConnectionTarget } from './connection-url.ts'
import { readTlsFiles, tlsOptions, type TlsFiles } from './tls.ts'

/** A connection must be made within this time, each try anew. */
const CONNECT_TIMEOUT_MS = 10_000
const RETRY_PAUSE_MS = 250
const OLDEST_VERSION = 14

export interface Connectable {
  /** Settings that were proved to work; every later connection uses them. */
  readonly client: ClientConfig
  /** The server's version, e.g. `18.4`. */
  readonly version: string
}

/** Settings of a connection without TLS. */
export function plainClient(target: ConnectionTarget): ClientConfig {
  return {
    host: target.host,
    port: target.port,
    user: target.user,
    database: target.database,
    // A null from here would let the driver look for PGPASSWORD in the environment, which only config reads.
    password: target.password?.reveal() ?? (() => ''),
    application_name: target.applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    ssl: false,
    ...(target.options === null ? {} : { options: target.options }),
  }
}

/**
 * Connects once to find out which settings work. A server that is starting, or not there yet, is tried again for up
 * to `waitMs`, because programs that start together come up in any order.
 * @throws CatwalkError `database_unreachable` with the reason, `config_invalid` for settings that cannot work
 */
export async function findConnection(
  target: ConnectionTarget,
  options: { readonly waitMs: number; readonly logger: Logger },
  signal: AbortSignal,
): Promise<Connectable> {
  const candidates = candidateClients(target, await readTlsFiles(target))
  const deadline = Date.now() + options.waitMs
  let told = ''
  for (;;) {
    const result = await tryAll(candidates, signal)
    if ('version' in result) return result
    if (!isTransient(result.error) || Date.now() >= deadline) throw unreachable(target, result.error)
    const reason = reasonOf(result.error)
    // Once for each reason, not at every try.
    if (reason !== told) options.logger.warn({ reason }, `waiting for ${describeTarget(target)}`)
    told = reason
    await delay(RETRY_PAUSE_MS, undefined, { signal })
  }
}

/** The settings to try, in order: `prefer` and `allow` have two, because the server decides. */
function candidateClients(target: ConnectionTarget, files: TlsFiles): readonly ClientConfig[] {
  const plain = plainClient(target)
  // There is no TLS on a Unix socket.
  if (target.sslMode === 'disable' || target.host.startsWith('/')) return [plain]
  const encrypted = { ...plain, ssl: tlsOptions(target.sslMode, files) }
  if (target.sslMode === 'prefer') return [encrypted, plain]
  if (target.sslMode === 'allow') return [plain, encrypted]
  return [encrypted]
}

async function tryAll(
  candidates: readonly ClientConfig[],
  signal: AbortSignal,
): Promise<Connectable | { readonly error: unknown }> {
  let error: unknown
  for (const client of candidates) {
    signal.throwIfAborted()
    try {
      return { client, version: await probe(client, signal) }
    } catch (failure) {
      // What the last one met says most, except that a refused password must not be hidden by "no encryption".
      error = error instanceof DatabaseError ? error : failure
    }
  }
  return { error }
}

async function probe(config: ClientConfig, signal: AbortSignal): Promise<string> {
  const client = new Client(config)
  // After a failed connect the socket may fail once more; without a listener that would end the program.
  client.on('error', () => undefined)
  try {
    await orAborted(client.connect(), signal)
    const { rows } = await client.query<{ server_version: string }>('show server_version')
    const version = rows[0]?.server_version ?? ''
    if (Number.parseInt(version, 10) < OLDEST_VERSION) {
      throw new CatwalkError(
        'config_invalid',
        `DATABASE_URL leads to PostgreSQL ${version}; Catwalk needs ${OLDEST_VERSION} or newer.`,
        { help: 'Upgrade the server or use another one.', details: { field: 'DATABASE_URL' } },
      )
    }
    return version
  } finally {
    const ended = client.end().catch(() => undefined)
    // A connection that is still being made ends at its own time limit.
    if (!signal.aborted) await ended
  }
}

// Not there yet (compose files start everything at once), or starting up or shutting down.
const TRANSIENT = new Set([
  'ECONNREFUSED',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNRESET',
  '57P03',
  '57P01',
])

function isTransient(error: unknown): boolean {
  return TRANSIENT.has(codeOf(error))
}

function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** What happened, in words. Several addresses of one name fail as one error without a text of its own. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0])
  return error instanceof Error ? error.message : String(error)
}

function unreachable(target: ConnectionTarget, error: unknown): CatwalkError {
  if (error instanceof CatwalkError) return error
  const reason = reasonOf(error)
  const told = target.password === null ? reason : reason.replaceAll(target.password.reveal(), '[secret]')
  return new CatwalkError('database_unreachable', `Cannot connect to ${describeTarget(target)}: ${told}`, {
    cause: error,
  })
}
