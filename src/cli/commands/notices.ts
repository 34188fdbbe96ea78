import { setTimeout as sleep } from 'node:timers/promises'
import type { RouteInput, RouteOutput } from '../../contract/index.ts'
import { CatwalkError } from '../../domain/index.ts'
import { cleanLine } from '../clean-text.ts'
import type { CommandContext, CommonOptions } from '../context.ts'
import { formatAge, formatTable } from '../table.ts'

type Kinds = NonNullable<RouteInput<'createNoticeChannel'>['body']['notices']>

export interface AddNoticesOptions extends CommonOptions {
  readonly webhook?: string
  readonly mail?: string
  readonly only?: Kinds
}

const ASK_MS = 300
const TEST_LIMIT_MS = 30_000

export async function listChannels(context: CommandContext): Promise<void> {
  const { items } = await context.call('listNoticeChannels', {})
  context.output.result(items, () =>
    items.length === 0
      ? 'Nobody is told anything yet. Add an address with: bin/catwalk notices add'
      : formatTable(
          context.output,
          ['ID', 'KIND', 'ADDRESS', 'NOTICES'],
          items.map(({ id, kind, address, notices }) =>
            [id, kind, address, notices.join(', ')].map(cleanLine),
          ),
        ),
  )
}

/** @throws CatwalkError `invalid_request` unless just one address is given */
export async function addChannel(context: CommandContext, options: AddNoticesOptions): Promise<void> {
  const { webhook, mail, only } = options
  const kind = webhook === undefined ? 'mail' : 'webhook'
  const address = webhook ?? mail
  if (address === undefined || (webhook !== undefined && mail !== undefined)) {
    throw new CatwalkError('invalid_request', 'Give --webhook URL or --mail ADDRESS.')
  }
  const channel = await context.call('createNoticeChannel', {
    body: { kind, address, ...(only === undefined ? {} : { notices: only }) },
  })
  context.output.result(channel, () =>
    [`${cleanLine(channel.address)} is told (${channel.id}).`, ...secretLines(channel.secret)].join('\n'),
  )
}

export async function setChannel(context: CommandContext, id: string, notices: Kinds): Promise<void> {
  const channel = await context.call('changeNoticeChannel', { params: { id }, body: { notices } })
  context.output.result(channel, () => `${cleanLine(channel.address)} gets: ${channel.notices.join(', ')}.`)
}

export async function renewSecret(context: CommandContext, id: string): Promise<void> {
  const channel = await context.call('renewNoticeSecret', { params: { id } })
  context.output.result(channel, () => secretLines(channel.secret).join('\n'))
}

export async function removeChannel(context: CommandContext, id: string): Promise<void> {
  await context.call('deleteNoticeChannel', { params: { id } })
  context.output.result({ id }, () => 'Removed.')
}

/**
 * Sends a test notice and waits for what becomes of it.
 * @throws CatwalkError `service_unreachable` when it was not taken
 */
export async function testChannel(context: CommandContext, id: string): Promise<void> {
  const { noticeId } = await context.call('testNoticeChannel', { params: { id } })
  const end = performance.now() + TEST_LIMIT_MS
  for (;;) {
    const delivery = (await context.call('listNotices', { query: { limit: 100 } })).items.find(
      (item) => item.noticeId === noticeId,
    )
    if (delivery?.state === 'delivered') {
      context.output.result(delivery, () => `${cleanLine(delivery.shown)} has taken it.`)
      return
    }
    const error = delivery?.error ?? null
    if (error !== null) {
      throw new CatwalkError('service_unreachable', cleanLine(error), {
        help: 'Check the address. It is tried again by itself; bin/catwalk notices log shows what becomes of it.',
      })
    }
    if (performance.now() > end) throw new CatwalkError('wait_timeout', 'It is not delivered yet.')
    await sleep(ASK_MS, undefined, { signal: context.signal })
  }
}

export async function showLog(context: CommandContext, limit: number): Promise<void> {
  const { items } = await context.call('listNotices', { query: { limit } })
  const now = new Date()
  context.output.result(items, () =>
    items.length === 0
      ? 'Nothing was told in the last 30 days.'
      : formatTable(
          context.output,
          ['AGE', 'NOTICE', 'DEPLOYMENT', 'ADDRESS', 'STATE', 'MESSAGE'],
          items.map((item) =>
            [
              formatAge(item.at, now),
              item.kind,
              item.slug ?? '-',
              item.shown,
              stateOf(item),
              item.message,
            ].map(cleanLine),
          ),
        ),
  )
}

function stateOf({ state, attempts, error }: RouteOutput<'listNotices'>['items'][number]): string {
  return error === null ? state : `${state} after ${attempts}: ${error}`
}

function secretLines(secret: string | null): string[] {
  return secret === null
    ? []
    : ['Check the signature of what it gets with this secret, shown only now:', secret]
}
