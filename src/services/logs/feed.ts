import type { ParsedInput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import { CatwalkError } from '../../domain/index.ts'
import { presentDeployment } from '../deployments/present.ts'
import type { ServiceContext } from '../context.ts'
import { presentEvent, presentLogLine } from './read.ts'

const PAGE = 500
const FIRST_LINES = 200
// A change that no notification told of (the channel was down) is shown after this long.
const LOOK_AGAIN_MS = 15_000

/** One item of the live feed; `id` is a cursor that a client sends back to go on after it. */
export interface FeedItem {
  readonly id: string
  readonly event: 'deployment' | 'event' | 'log' | 'deleted'
  readonly data: unknown
}

/**
 * Follows a deployment: all events and the last 200 log lines first, then what comes. With a cursor it goes on right
 * after it. Ends when the deployment is gone, or by `ctx.signal`.
 * @throws CatwalkError `deployment_not_found`
 */
export async function* streamFeed(
  ctx: ServiceContext,
  { params }: ParsedInput<'streamFeed'>,
  lastEventId: string | null,
): AsyncGenerator<FeedItem, void, void> {
  const id = await queries.deploymentId(ctx.db, ctx.actor.workspaceId, params.id)
  let cursor = readCursor(lastEventId) ?? { event: '0', log: await firstLine(ctx, id) }
  using bell = createBell(ctx, id)
  let shown = ''
  for (;;) {
    bell.silence()
    const events = await queries.listEvents(ctx.db, id, cursor.event, PAGE)
    const lines = await queries.listLogLines(ctx.db, id, cursor.log, PAGE)
    const items = [
      ...events.map((row) => ({ at: row.at, event: 'event' as const, row: row.id, data: presentEvent(row) })),
      ...lines.map((row) => ({ at: row.at, event: 'log' as const, row: row.id, data: presentLogLine(row) })),
    ].sort((a, b) => a.at.getTime() - b.at.getTime())
    for (const item of items) {
      cursor = item.event === 'event' ? { ...cursor, event: item.row } : { ...cursor, log: item.row }
      yield { id: writeCursor(cursor), event: item.event, data: item.data }
    }
    const deployment = await currentDeployment(ctx, id)
    if (deployment === null) {
      yield { id: writeCursor(cursor), event: 'deleted', data: { id } }
      return
    }
    const text = JSON.stringify(deployment)
    if (text !== shown) {
      shown = text
      yield { id: writeCursor(cursor), event: 'deployment', data: deployment }
    }
    if (events.length < PAGE && lines.length < PAGE) await bell.rung()
    if (ctx.signal.aborted) return
  }
}

async function currentDeployment(ctx: ServiceContext, id: string): Promise<unknown> {
  try {
    return presentDeployment(
      ctx.publicUrl,
      await queries.findDeploymentView(ctx.db, ctx.actor.workspaceId, id),
    )
  } catch (error) {
    if (error instanceof CatwalkError && error.code === 'deployment_not_found') return null
    throw error
  }
}

interface Cursor {
  readonly event: string
  readonly log: string
}

function writeCursor(cursor: Cursor): string {
  return `${cursor.event}.${cursor.log}`
}

function readCursor(text: string | null): Cursor | null {
  const match = /^(\d{1,19})\.(\d{1,19})$/.exec(text ?? '')
  return match?.[1] === undefined || match[2] === undefined ? null : { event: match[1], log: match[2] }
}

async function firstLine(ctx: ServiceContext, id: string): Promise<string> {
  const [first] = await queries.lastLogLines(ctx.db, id, FIRST_LINES)
  return first === undefined ? '0' : String(BigInt(first.id) - 1n)
}

/** Rings once for any number of changes since it was silenced, so that none between two reads is missed. */
function createBell(
  ctx: ServiceContext,
  deploymentId: string,
): Disposable & { silence(): void; rung(): Promise<void> } {
  let changed = Promise.withResolvers<void>()
  const ring = (): void => {
    changed.resolve()
  }
  const unsubscribe = ctx.changes.subscribe(deploymentId, ring)
  ctx.signal.addEventListener('abort', ring, { once: true })
  return {
    silence() {
      changed = Promise.withResolvers<void>()
      if (ctx.signal.aborted) changed.resolve()
    },
    async rung() {
      const timer = setTimeout(ring, LOOK_AGAIN_MS)
      await changed.promise
      clearTimeout(timer)
    },
    [Symbol.dispose]() {
      unsubscribe()
      ctx.signal.removeEventListener('abort', ring)
    },
  }
}
