import { rateKey, type Clock } from '../domain/index.ts'

export interface SignInGuard {
  /**
   * Milliseconds until the next attempt is looked at; 0 to go on.
   * @param isKnown whether the account was used from this address before; asked only when it matters
   */
  waitMs(account: string, address: string | null, isKnown: () => Promise<boolean>): Promise<number>
  failed(account: string, address: string | null): void
  succeeded(account: string, address: string | null): void
}

interface Failures {
  count: number
  lastAt: number
}

/** Wrong attempts of one address at one account before it has to wait. */
const FREE_ATTEMPTS = 5
const FIRST_WAIT_MS = 2_000
const LONGEST_WAIT_MS = 15 * 60_000
const FORGET_MS = 60 * 60_000
/** Wrong attempts at one account, from wherever, after which addresses that it was never used from have to wait. */
const ACCOUNT_ATTEMPTS = 50
const ACCOUNT_WAIT_MS = 60_000
// Some megabytes at most. Beyond it the oldest go first.
const MAX_KEYS = 50_000

/**
 * Slows down whoever guesses at one account: each address waits twice as long after every further failure, and an account
 * that is guessed at from everywhere lets unknown addresses try once a minute. An address that the account was used from
 * is never held up by others, so no stranger locks its person out. In the memory of this process, for names that exist
 * and names that do not alike.
 */
export function createSignInGuard(clock: Clock): SignInGuard {
  const pairs = new Map<string, Failures>()
  const accounts = new Map<string, Failures>()
  const now = () => clock.now().getTime()

  function count(map: Map<string, Failures>, key: string): void {
    const before = current(map, key)
    // Last in the order of insertion, so that the first are those that were quiet longest.
    map.delete(key)
    map.set(key, { count: (before?.count ?? 0) + 1, lastAt: now() })
    for (const [oldest, { lastAt }] of map) {
      if (map.size <= MAX_KEYS && now() - lastAt < FORGET_MS) break
      map.delete(oldest)
    }
  }

  function current(map: Map<string, Failures>, key: string): Failures | undefined {
    const found = map.get(key)
    return found === undefined || now() - found.lastAt >= FORGET_MS ? undefined : found
  }

  return {
    async waitMs(account, address, isKnown) {
      const own = current(pairs, pairOf(account, address))
      const ownWaitMs = own === undefined ? 0 : remaining(own.lastAt, backOffMs(own.count), now())
      if (ownWaitMs > 0) return ownWaitMs
      const all = current(accounts, keyOf(account))
      if (all === undefined || all.count < ACCOUNT_ATTEMPTS) return 0
      const waitMs = remaining(all.lastAt, ACCOUNT_WAIT_MS, now())
      return waitMs === 0 || (await isKnown()) ? 0 : waitMs
    },
    failed(account, address) {
      count(pairs, pairOf(account, address))
      count(accounts, keyOf(account))
    },
    succeeded(account, address) {
      pairs.delete(pairOf(account, address))
    },
  }
}

function backOffMs(failures: number): number {
  if (failures < FREE_ATTEMPTS) return 0
  return Math.min(FIRST_WAIT_MS * 2 ** (failures - FREE_ATTEMPTS), LONGEST_WAIT_MS)
}

function remaining(since: number, waitMs: number, now: number): number {
  return Math.max(0, since + waitMs - now)
}

function keyOf(account: string): string {
  return account.toLowerCase().slice(0, 254)
}

function pairOf(account: string, address: string | null): string {
  return `${keyOf(account)} ${rateKey(address)}`
}
