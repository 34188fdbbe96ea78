import type { DeploymentEvent, Release } from '../../api/client.ts'
import { networkWords } from '../../app/network-policy.ts'
import type { ShownStep } from '../../kit/steps.tsx'

const STEPS = [
  { state: 'pending', label: 'Package checked' },
  { state: 'installing', label: 'Installing', done: 'Installed' },
  { state: 'starting', label: 'Starting in the sandbox', done: 'Started in the sandbox' },
  { state: 'probing', label: 'Asking for its tools', done: 'Told its tools' },
  { state: 'live', label: 'Open the endpoint', done: 'Endpoint open' },
] as const

type StepState = (typeof STEPS)[number]['state']

export interface Walked {
  readonly steps: readonly ShownStep[]
  /** How far the walk has come, 0 to 1. */
  readonly at: number
  /** How long this attempt has taken. */
  readonly totalMs: number
}

/**
 * The steps of a release's newest attempt, with times from the events. The release's own state leads where an event
 * has not arrived yet. @param now milliseconds since the epoch, for what is under way
 */
export function walkOf(release: Release, events: readonly DeploymentEvent[], now: number): Walked {
  const entered = enteredAt(release, events)
  const failedAt = entered.get('failed')
  const reached = STEPS.findLastIndex(({ state }) => entered.has(state))
  const isLive = release.state === 'live' || release.state === 'superseded'
  const isFailed = release.state === 'failed'
  const begin = entered.get('pending') ?? Date.parse(release.createdAt)
  const end = isLive ? entered.get('live') : isFailed ? failedAt : undefined

  const steps = STEPS.map((step, index): ShownStep => {
    const from = entered.get(step.state)
    if (index > reached) return { label: step.label, status: 'todo' }
    const doneLabel = 'done' in step ? step.done : step.label
    if (from === undefined || step.state === 'live') return { label: doneLabel, status: 'done' }
    const next = STEPS.slice(index + 1).find(({ state }) => entered.has(state))
    if (next !== undefined) {
      const ms = (entered.get(next.state) ?? from) - from
      return { label: doneLabel, status: 'done', ms, ...detail(step.state, release) }
    }
    const ms = Math.max(0, (failedAt ?? now) - from)
    if (isFailed) return { label: step.label, status: 'bad', ms, detail: failure(release) }
    return { label: step.label, status: 'now', ms, ...detail(step.state, release) }
  })
  return {
    steps,
    at: isLive ? 1 : (reached + 0.6) / STEPS.length,
    totalMs: Math.max(0, (end ?? now) - begin),
  }
}

/** When the newest attempt entered each state, in milliseconds since the epoch. */
function enteredAt(release: Release, events: readonly DeploymentEvent[]): Map<string, number> {
  const entered = new Map<string, number>([['pending', Date.parse(release.createdAt)]])
  for (const event of events) {
    const state = event.data['state']
    if (event.releaseId !== release.id || event.kind !== 'release.state' || typeof state !== 'string')
      continue
    // A failed release that is tried again starts over.
    if (state === 'pending') entered.clear()
    entered.set(state, Date.parse(event.at))
  }
  const state = release.state === 'superseded' ? 'live' : release.state
  if (!entered.has(state)) entered.set(state, Math.max(...entered.values()))
  return entered
}

function detail(state: StepState, release: Release): { detail?: string } {
  switch (state) {
    case 'pending':
      return { detail: `${release.package.name}@${release.package.version}` }
    case 'starting':
      return {
        detail: `${networkWords(release.network)}, ${release.memoryMiB} MiB`,
      }
    case 'installing':
    case 'probing':
    case 'live':
      return {}
  }
}

function failure({ error }: Release): string | undefined {
  if (error === null) return undefined
  if (error.exitCode !== null) return `Ended with code ${error.exitCode}`
  return error.signal === null ? undefined : `Ended by ${error.signal}`
}
