import type { FeedItem } from './feed.ts'

/** A step of a release on its way to serving. */
export interface Step {
  readonly name: string
  /** By the server's clock. */
  readonly startedAtMs: number
  /** By ours, which may differ: what passes until the step ends is measured with it. */
  readonly seenAtMs: number
  /** Null while it goes on. */
  readonly end: { readonly atMs: number; readonly failed: boolean } | null
}

const NAMES: Readonly<Record<string, string>> = {
  installing: 'Installing',
  starting: 'Starting',
  probing: 'Probing',
}

/**
 * The steps of a release after one more item of the feed. What does not concern them, or comes twice, changes nothing.
 */
export function addToSteps(
  steps: readonly Step[],
  item: FeedItem,
  releaseId: string,
  nowMs: number,
): readonly Step[] {
  if (item.kind !== 'event' || item.event.kind !== 'release.state') return steps
  if (item.event.releaseId !== releaseId) return steps
  const state = String(item.event.data['state'])
  const name = NAMES[state]
  const atMs = Date.parse(item.event.at)
  const last = steps.at(-1)
  if (last !== undefined && (last.name === name || atMs < last.startedAtMs)) return steps
  const ended =
    last === undefined || last.end !== null
      ? steps
      : [...steps.slice(0, -1), { ...last, end: { atMs, failed: state === 'failed' } }]
  return name === undefined ? ended : [...ended, { name, startedAtMs: atMs, seenAtMs: nowMs, end: null }]
}

/** How long the step took, or has taken so far. */
export function elapsedMs(step: Step, nowMs: number): number {
  return Math.max(0, step.end === null ? nowMs - step.seenAtMs : step.end.atMs - step.startedAtMs)
}
