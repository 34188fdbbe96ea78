import type { DeploymentEvent, LogLine } from './client.ts'

/** What the live feed of one deployment has told so far, each list in the order of its ids. */
export interface Feed {
  readonly events: readonly DeploymentEvent[]
  readonly logs: readonly LogLine[]
  readonly connected: boolean
}

export const emptyFeed: Feed = { events: [], logs: [], connected: false }

/** Older lines are still at the server; a browser tab needs a bound. */
export const MAX_LINES = 2000

/** Cursors are decimal numbers of up to 19 digits: too long for a JavaScript number. */
export function compareIds(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length
  if (a === b) return 0
  return a < b ? -1 : 1
}

/**
 * Adds what arrived. The feed starts over with what it already told when its connection is made anew, so items
 * that are there are not added twice.
 */
export function addToFeed(
  feed: Feed,
  arrived: { readonly events?: readonly DeploymentEvent[]; readonly logs?: readonly LogLine[] },
): Feed {
  return {
    ...feed,
    events: merge(feed.events, arrived.events ?? []),
    logs: merge(feed.logs, arrived.logs ?? []).slice(-MAX_LINES),
  }
}

function merge<T extends { readonly id: string }>(known: readonly T[], arrived: readonly T[]): readonly T[] {
  if (arrived.length === 0) return known
  const byId = new Map(known.map((item) => [item.id, item]))
  for (const item of arrived) byId.set(item.id, item)
  return [...byId.values()].toSorted((a, b) => compareIds(a.id, b.id))
}
