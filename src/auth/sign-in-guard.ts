import { createHash } from 'node:crypto'
import { sql, type Kysely } from 'kysely'
import type { DB, Handle } from '../db/index.ts'
import { rateKey, type Clock } from '../domain/index.ts'

export interface SignInGuard {
  /**
   * Counts an attempt before it is looked at, as a wrong one until told otherwise, so that many at once are not more
   * than one after the other. Returns 0 to go on, else the milliseconds until the next attempt; then nothing is counted.
   * @param isKnown whether the account was used from this address before; asked only when it matters
   */
  attempt(account: string, address: string | null, isKnown: (db: Handle) => Promise<boolean>): Promise<number>
  /** The attempt was right: the wrong ones of this address at this account are forgotten. */
  succeeded(account: string, address: string | null): Promise<void>
  /** The attempt was not looked at after all. */
  withdraw(account: string, address: string | null): Promise<void>
  /** Deletes what is forgotten. */
  sweep(): Promise<void>
}

interface Rule {
  /** Wrong attempts before anybody has to wait. */
  readonly free: number
  /** Doubles with each further one. */
  readonly firstWaitMs: number
  readonly longestWaitMs: number
}

/** One address at one account. */
const PAIR: Rule = { free: 5, firstWaitMs: 2_000, longestWaitMs: 15 * 60_000 }
/** All addresses at one account; those that it was used from are let in all the same. */
const ACCOUNT: Rule = { free: 50, firstWaitMs: 60_000, longestWaitMs: 60_000 }
const FORGET_MS = 60 * 60_000
const MOST_DOUBLINGS = 20

/**
 * Slows down whoever guesses at one account: each address waits twice as long after every further failure, and an account
 * that is guessed at from everywhere lets unknown addresses try once a minute. An address that the account was used from
 * is never held up by others, so no stranger locks its person out. In the database, so that all replicas count as one.
 */
export function createSignInGuard(database: Kysely<DB>, clock: Clock): SignInGuard {
  return {
    attempt(account, address, isKnown) {
      return database.transaction().execute(async (tx) => {
        const now = clock.now()
        const pair = pairOf(account, address)
        const ownWaitMs = await count(tx, pair, PAIR, now)
        if (ownWaitMs > 0) return ownWaitMs
        const waitMs = await count(tx, accountOf(account), ACCOUNT, now)
        if (waitMs === 0) return 0
        if (await isKnown(tx)) {
          await count(tx, accountOf(account), ACCOUNT, now, true)
          return 0
        }
        await takeBack(tx, [pair], now)
        return waitMs
      })
    },
    async succeeded(account, address) {
      await takeBack(database, [accountOf(account)], clock.now())
      await database.deleteFrom('sign_in_failures').where('key', '=', pairOf(account, address)).execute()
    },
    withdraw: (account, address) =>
      takeBack(database, [pairOf(account, address), accountOf(account)], clock.now()),
    async sweep() {
      const forgotten = later(clock.now(), -FORGET_MS)
      await database.deleteFrom('sign_in_failures').where('last_at', '<=', forgotten).execute()
    },
  }
}

/** Counts one unless it has to wait; returns for how long, in milliseconds. */
async function count(db: Handle, key: string, rule: Rule, now: Date, always = false): Promise<number> {
  const forgotten = later(now, -FORGET_MS)
  const counted = sql`case when f.last_at <= ${forgotten} then 1 else f.count + 1 end`
  const doubled = sql`${rule.firstWaitMs}::float8 * 2 ^ least(${counted} - ${rule.free}::integer, ${MOST_DOUBLINGS}::integer)`
  const waitMs = sql`case when ${counted} < ${rule.free}::integer then 0
      else least(${doubled}, ${rule.longestWaitMs}::float8) end`
  const { rows } = await sql`
      insert into sign_in_failures as f (key, count, last_at, open_at) values (${key}, 1, ${now}, ${now})
      on conflict (key) do update set count = ${counted}, last_at = ${now},
        open_at = ${now}::timestamptz + make_interval(secs => ${waitMs} / 1000)
      where f.open_at <= ${now} or ${always}::boolean
      returning 1`.execute(db)
  if (rows.length > 0) return 0
  const { open_at: openAt } = await db
    .selectFrom('sign_in_failures')
    .select('open_at')
    .where('key', '=', key)
    .executeTakeFirstOrThrow()
  return Math.max(1, openAt.getTime() - now.getTime())
}

async function takeBack(db: Handle, keys: readonly string[], now: Date): Promise<void> {
  await sql`
      update sign_in_failures set count = greatest(count - 1, 0), open_at = least(open_at, ${now})
      where key = any(${keys})`.execute(db)
}

function later(at: Date, ms: number): Date {
  return new Date(at.getTime() + ms)
}

function accountOf(account: string): string {
  return digest(account.toLowerCase().slice(0, 254))
}

function pairOf(account: string, address: string | null): string {
  return digest(`${account.toLowerCase().slice(0, 254)} ${rateKey(address)}`)
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}
