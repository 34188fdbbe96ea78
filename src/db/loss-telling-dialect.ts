import { PostgresDialect, PostgresDriver, type DatabaseConnection, type Driver } from 'kysely'
import { DatabaseError, type Pool } from 'pg'
import { CatwalkError, diskFull } from '../domain/index.ts'

/**
 * PostgreSQL with connections that tell that the database is away from what a statement did wrong: whoever asked then gets
 * CatwalkError `database_unreachable`, and can be told to try again; and `disk_full` where it has no space left.
 */
export class LossTellingDialect extends PostgresDialect {
  readonly #pool: Pool

  constructor(pool: Pool) {
    super({ pool })
    this.#pool = pool
  }

  override createDriver(): Driver {
    return new LossTellingDriver({ pool: this.#pool })
  }
}

class LossTellingDriver extends PostgresDriver {
  readonly #known = new WeakSet<DatabaseConnection>()

  override async acquireConnection(
    ...options: Parameters<PostgresDriver['acquireConnection']>
  ): Promise<DatabaseConnection> {
    const connection = await super
      .acquireConnection(...options)
      .catch((cause: unknown) => Promise.reject(away(cause)))
    if (!this.#known.has(connection)) {
      this.#known.add(connection)
      const execute = connection.executeQuery.bind(connection)
      connection.executeQuery = (...query) =>
        execute<never>(...query).catch((error: unknown) => Promise.reject(tellLoss(error)))
    }
    return connection
  }
}

/** The error to throw for one of the driver. */
export function tellLoss(error: unknown): unknown {
  return isLoss(error) ? away(error) : (diskFull(error) ?? error)
}

/** What is no answer of a server, or one with which it ends the connection (SQLSTATE 08 and 57P0). */
function isLoss(error: unknown): boolean {
  return !(error instanceof DatabaseError) || /^(?:08|57P0)/.test(error.code ?? '')
}

function away(cause: unknown): CatwalkError {
  return new CatwalkError('database_unreachable', 'The database does not answer at the moment.', {
    help: 'Try again in a moment. If it stays so, see that PostgreSQL runs and that DATABASE_URL leads to it.',
    details: { retryAfterS: 5 },
    cause,
  })
}
