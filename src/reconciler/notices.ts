import { queries } from '../db/index.ts'
import { anySignal, NoticeGone, noticeWaitSeconds, type Logger, type NoticeSender } from '../domain/index.ts'
import { noticeAddress, type ServiceDependencies } from '../services/index.ts'

export interface NoticeDeliveryOptions {
  readonly db: queries.Handle
  readonly vault: ServiceDependencies['vault']
  readonly sender: NoticeSender
  /** Default: 5 s. */
  readonly lookMs?: number
  /** From 0 up to 1. */
  readonly random: () => number
  readonly logger: Logger
}

export interface NoticeDelivery extends AsyncDisposable {
  /** Looks now whether something is to be told. */
  poke(): void
}

const LOOK_MS = 5000
const KEYS_MS = 3_600_000
const KEYS_WITHIN_DAYS = 7
const KEPT_DAYS = 30
const AT_ONCE = 4
/** Less than the lease. */
const SEND_LIMIT_MS = 30_000
const MAX_ERROR = 300

/**
 * Takes what is to be told to where it is wanted, some at a time on each replica, each by one, to each address one at a time. What cannot be delivered is
 * tried again for days. Disposing it gives up what is under way; it is told again, with the same id.
 */
export function startNoticeDelivery(options: NoticeDeliveryOptions): NoticeDelivery {
  const { db, logger } = options
  const ending = new AbortController()
  const underWay = new Set<Promise<void>>()
  let looking: Promise<void> | null = null

  async function look(): Promise<void> {
    try {
      while (!ending.signal.aborted && underWay.size < AT_ONCE) {
        const claimed = await queries.claimDelivery(db)
        if (claimed === null) break
        const work = deliver(options, claimed, ending.signal)
          .catch((error: unknown) => {
            logger.error({ err: error, notice: claimed.notice.id }, 'a notice could not be recorded')
          })
          .finally(() => {
            underWay.delete(work)
            poke()
          })
        underWay.add(work)
      }
    } catch (error) {
      logger.error({ err: error }, 'notices could not be looked for')
    }
    looking = null
  }

  const poke = (): void => {
    if (!ending.signal.aborted) looking ??= look()
  }
  const lookAtKeys = (): void => {
    queries
      .noticeExpiringKeys(db, KEYS_WITHIN_DAYS)
      .then(() => queries.deleteOldNotices(db, KEPT_DAYS))
      .then(poke)
      .catch((error: unknown) => logger.error({ err: error }, 'expiring keys could not be looked for'))
  }
  const timers = [setInterval(poke, options.lookMs ?? LOOK_MS), setInterval(lookAtKeys, KEYS_MS)]
  lookAtKeys()
  return {
    poke,
    async [Symbol.asyncDispose]() {
      for (const timer of timers) clearInterval(timer)
      ending.abort()
      await looking
      await Promise.all(underWay)
    },
  }
}

async function deliver(
  { db, vault, sender, random, logger }: NoticeDeliveryOptions,
  claimed: queries.ClaimedDelivery,
  ended: AbortSignal,
): Promise<void> {
  const { channel, notice, attempts } = claimed
  try {
    const to = noticeAddress(vault, channel)
    const mayHear =
      to.kind === 'webhook' || (await queries.isMembersAddress(db, channel.workspace_id, to.address.reveal()))
    if (!mayHear) throw new NoticeGone('Nobody in the workspace has this address any more.')
    await sender.send(to, notice, anySignal([ended, AbortSignal.timeout(SEND_LIMIT_MS)]))
    await queries.endDelivery(db, claimed, { state: 'delivered' })
  } catch (error) {
    // Not its receiver's fault: it is told again by whoever comes next.
    if (ended.aborted) {
      const again = { state: 'pending', error: 'Catwalk was stopped.', againInSeconds: 0 } as const
      return await queries.endDelivery(db, claimed, again)
    }
    const message = (error instanceof Error ? error.message : 'It could not be sent.').slice(0, MAX_ERROR)
    const again = error instanceof NoticeGone ? null : noticeWaitSeconds(attempts, random())
    logger.warn(
      { notice: notice.id, channel: channel.id, attempts, reason: message },
      'a notice was not taken',
    )
    await queries.endDelivery(
      db,
      claimed,
      again === null
        ? { state: 'failed', error: message }
        : { state: 'pending', error: message, againInSeconds: again },
    )
  }
}
