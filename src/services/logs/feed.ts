import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import { CatwalkError } from '../../domain/index.ts'
import { presentDeployment } from '../deployments/present.ts'
import type { ServiceContext } from '../context.ts'
import { presentEvent, presentLogLine } from './read.ts'

const PAGE = 500
const FIRST_LINES = 200
// A change that no notification told of (the channel was down) is shown after this long.
const LOOK_AGAIN_MS = 15_000

type Feed = RouteOutput<'streamFeed'>

/** One item of the live feed; `id` is a cursor that a client sends back to go on after it. */
export type FeedItem = {
  [E in keyof Feed]-?: { readonly id: string; readonly event: E; readonly data: NonNullable<Feed[E]> }
}[keyof Feed]

/**
 * Follows a deployment: all events and the last 200 log lines first, then what comes. With a cursor it goes on right
 * after it. Ends when the deployment is gone, or by `ctx.signal`.
 * @throws CatwalkError `deployment_not_found`
 */
export async function streamFeed(
  ctx: ServiceContext & { readonly lastEventId: string | null },
  { params }: ParsedInput<'streamFeed'>,
): Promise<AsyncIterable<FeedItem>> {
  const id = await queries.deploymentId(ctx.db, ctx.actor.workspaceId, params.id)
  return follow(ctx, id, readCursor(ctx.lastEventId) ?? { event: '0', log: await firstLine(ctx, id) })
}

async function* follow(ctx: ServiceContext, id: string, start: Cursor): AsyncGenerator<FeedItem, void, void> {
  using bell = createBell(ctx, id)
  let cursor = start
  let shown = ''
  while (!ctx.signal.aborted) {
    bell.silence()
    const events = await queries.listEvents(ctx.db, id, cursor.event, PAGE)
    const lines = await queries.listLogLines(ctx.db, id, cursor.log, PAGE)
    for (const entry of inOrder(events, lines)) {
      cursor = entry.event === 'event' ? { ...cursor, event: entry.row.id } : { ...cursor, log: entry.row.id }
      yield entry.event === 'event'
        ? { id: writeCursor(cursor), event: 'event', data: presentEvent(entry.row) }
        : { id: writeCursor(cursor), event: 'log', data: presentLogLine(entry.row) }
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
  }
}

type Entry =
  | { readonly event: 'event'; readonly row: queries.EventRow }
  | { readonly event: 'log'; readonly row: queries.LogLineRow }

/** Merges events and lines by time, each kind in the order of its ids, which the cursor goes by. */
function inOrder(events: readonly queries.EventRow[], lines: readonly queries.LogLineRow[]): Entry[] {
  const merged: Entry[] = []
  let next = 0
  for (const row of events) {
    for (let line = lines[next]; line !== undefined && line.at < row.at; line = lines[next]) {
      merged.push({ event: 'log', row: line })
      next += 1
    }
    merged.push({ event: 'event', row })
  }
  return [...merged, ...lines.slice(next).map((row) => ({ event: 'log' as const, row }))]
}

async function currentDeployment(
  ctx: ServiceContext,
  id: string,
): Promise<RouteOutput<'getDeployment'> | null> {
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
