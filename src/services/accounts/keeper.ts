import { queries } from '../../db/index.ts'
import type { Clock, Logger, TokenEndpoints } from '../../domain/index.ts'
import type { Vault } from '../../vault/index.ts'
import { findProvider } from './providers.ts'
import { sourcesOf, timesOf, writeValue } from './store.ts'
import {
  askForTokens,
  endTokens,
  openRefreshToken,
  sealTokens,
  TokenRefusal,
  type AccountTokens,
} from './tokens.ts'

/** Longer than a provider may take to answer, so that no two ask for the same account at a time. */
const LEASE_SECONDS = 60
const ASK_TIMEOUT_MS = 25_000
/** A process is not started with a token that runs out within this time. */
const FRESH_SECONDS = 60
const LONGEST_WAIT_SECONDS = 600
const STORE_ATTEMPTS = 30
const STORE_RETRY_MS = 1000
const POLL_MS = 100
/** A service is asked to end tokens this often; the tries are spread over two hours. */
const REVOCATION_ATTEMPTS = 8

export interface AccountKeeperOptions {
  readonly db: queries.Handle
  readonly vault: Vault
  readonly tokenEndpoints: TokenEndpoints
  readonly clock: Clock
  readonly logger: Logger
}

/** Renews the tokens of connected accounts before they run out. */
export interface AccountKeeper {
  /** Renews all that are due and that no other replica is renewing, and ends at their services what was forgotten. */
  work(): Promise<void>
  /** Has what a deployment is about to be started with renewed if it runs out at once. Never rejects. */
  freshen(deploymentId: string, userId: string | null, signal: AbortSignal): Promise<void>
}

export function createAccountKeeper(options: AccountKeeperOptions): AccountKeeper {
  const { db, vault, clock, logger, tokenEndpoints } = options

  async function renew(account: queries.ConnectedAccountRow): Promise<void> {
    const provider = await findProvider(db, account.workspace_id, account.provider_id)
    const refreshToken = openRefreshToken(vault, account)
    if (refreshToken === null) {
      return giveUp(account, provider.name, 'its token has run out, and there is nothing to renew it with')
    }
    let tokens: AccountTokens
    try {
      const grant = { grant_type: 'refresh_token', refresh_token: refreshToken.reveal() }
      const signal = AbortSignal.timeout(ASK_TIMEOUT_MS)
      const given = await askForTokens(tokenEndpoints, vault, provider, grant, signal)
      // A provider that gives no new one goes on taking the old one (RFC 6749, section 6).
      tokens = { ...given, refreshToken: given.refreshToken ?? refreshToken }
    } catch (error) {
      if (error instanceof TokenRefusal && error.isFinal) {
        return giveUp(account, provider.name, `${provider.name} refuses to renew its token (${error.code})`)
      }
      const seconds = Math.min(LONGEST_WAIT_SECONDS, 15 * 2 ** account.failures)
      logger.warn({ account: account.id, err: error }, 'a token could not be renewed yet')
      return queries.putOffRefresh(db, account, seconds)
    }
    await keep(account, tokens)
  }

  /** The provider may have ended the former token with its answer: what it gave must not be lost to a short outage. */
  async function keep(account: queries.ConnectedAccountRow, tokens: AccountTokens): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await db.transaction().execute(async (tx) => {
          const isSaved = await queries.saveRefreshed(tx, account, {
            ...sealTokens(vault, account.id, tokens),
            ...timesOf(clock, tokens),
          })
          if (!isSaved) return
          const source = (await sourcesOf(tx, account.deployment_id)).accounts[account.name]
          if (source !== undefined) await writeValue(tx, vault, account, source, tokens, true)
          await queries.announce(tx, 'deployment', account.deployment_id)
        })
      } catch (error) {
        if (attempt >= STORE_ATTEMPTS) throw error
        logger.warn({ account: account.id, err: error }, 'a renewed token could not be stored yet')
        await new Promise((resolve) => setTimeout(resolve, STORE_RETRY_MS))
      }
    }
  }

  async function giveUp(account: queries.ConnectedAccountRow, provider: string, why: string): Promise<void> {
    await db.transaction().execute(async (tx) => {
      const problem = `${why[0]?.toUpperCase() ?? ''}${why.slice(1)}.`
      if (!(await queries.markBroken(tx, account, problem))) return
      const { deployment_id: deploymentId, user_id: userId, name } = account
      await queries.deletePersonalCredentials(tx, { deploymentId, userId, name })
      if (userId === null) await queries.restartIfRunning(tx, deploymentId)
      const whose = userId === null ? `The account at ${provider}` : `The account of a member at ${provider}`
      await queries.insertEvent(tx, {
        workspaceId: account.workspace_id,
        deploymentId,
        releaseId: null,
        kind: 'account.broken',
        message: `${whose} must be connected again: ${why}.`,
        data: { name },
      })
      await queries.announce(tx, 'deployment', deploymentId)
    })
  }

  async function renewAll(wish: queries.RefreshWish): Promise<void> {
    // Each once: one with a very short life would be due again at once.
    const done: string[] = []
    for (;;) {
      const account = await queries.claimDueAccount(db, LEASE_SECONDS, { ...wish, except: done })
      if (account === null) return
      done.push(account.id)
      try {
        await renew(account)
      } catch (error) {
        logger.error({ account: account.id, err: error }, 'a token could not be renewed')
        await queries.putOffRefresh(db, account, LONGEST_WAIT_SECONDS)
      }
    }
  }

  async function endForgotten(): Promise<void> {
    for (;;) {
      const forgotten = await queries.claimRevocation(db)
      if (forgotten === null) return
      const { id, attempts } = forgotten
      const isEnded = await endOne(forgotten).catch((error: unknown) => {
        logger.warn({ account: id, err: error }, 'the tokens of a forgotten account could not be ended')
        return false
      })
      if (!isEnded && attempts < REVOCATION_ATTEMPTS) continue
      if (!isEnded) logger.error({ account: id }, 'a service did not end the tokens of a forgotten account')
      await queries.deleteRevocation(db, id)
    }
  }

  async function endOne(forgotten: queries.RevocationRow): Promise<boolean> {
    const provider = await findProvider(db, forgotten.workspace_id, forgotten.provider_id)
    return endTokens(tokenEndpoints, vault, provider, forgotten, AbortSignal.timeout(ASK_TIMEOUT_MS))
  }

  return {
    async work() {
      await renewAll({})
      await endForgotten()
    },
    async freshen(deploymentId, userId, signal) {
      try {
        await renewAll({ of: { deploymentId, userId, withinSeconds: FRESH_SECONDS } })
        // Another replica is at it.
        while (!signal.aborted && (await queries.isRefreshing(db, deploymentId, userId, FRESH_SECONDS)))
          await new Promise((resolve) => setTimeout(resolve, POLL_MS))
      } catch (error) {
        logger.warn({ deployment: deploymentId, err: error }, 'tokens could not be looked at')
      }
    },
  }
}
