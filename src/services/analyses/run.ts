import type { RouteOutput } from '../../contract/index.ts'
import { anySignal, CatwalkError, publicError, type AnalysisStepName } from '../../domain/index.ts'

export type Analysis = RouteOutput<'createAnalysis'>
type Step = RouteOutput<'getAnalysis'>['steps'][number]

/** One analysis under way, or one that has just ended. */
export interface Run {
  readonly id: string
  readonly workspaceId: string
  /** The same for the same question of the same workspace. */
  readonly key: string
  /** Canonical, without secrets. */
  readonly source: string
  readonly steps: readonly Step[]
  readonly outcome: Outcome | null
  /** Resolves when it has ended, however. */
  readonly ended: Promise<void>
  /** Counts as somebody who waits for it until the returned function is called. */
  follow(): (graceMs: number) => void
  /** Resolves at the next step or the end. */
  changed(): Promise<void>
}

export type Outcome =
  | { readonly kind: 'done'; readonly analysis: Analysis }
  | { readonly kind: 'failed'; readonly error: CatwalkError }

export interface RunOptions {
  readonly id: string
  readonly workspaceId: string
  readonly key: string
  readonly source: string
  readonly timeoutMs: number
  readonly now: () => Date
  readonly work: (
    onStep: (step: AnalysisStepName, detail: string | null) => void,
    signal: AbortSignal,
  ) => Promise<Analysis>
  /** Of the program: everything ends with it. */
  readonly signal: AbortSignal
}

/** Starts it. It goes on until it is done, its time is over, the program stops or nobody follows it any more. */
export function startRun({ timeoutMs, now, work, signal, ...known }: RunOptions): Run {
  const steps: Step[] = []
  const left = new AbortController()
  const limit = AbortSignal.timeout(timeoutMs)
  let outcome: Outcome | null = null
  let followers = 0
  let leaving: ReturnType<typeof setTimeout> | undefined
  let change = Promise.withResolvers<void>()

  const announce = () => {
    change.resolve()
    change = Promise.withResolvers()
  }
  const endStep = () => {
    const last = steps.at(-1)
    if (last?.endedAt === null) steps[steps.length - 1] = { ...last, endedAt: now().toISOString() }
  }
  const onStep = (step: AnalysisStepName, detail: string | null) => {
    if (outcome !== null) return
    endStep()
    steps.push({ step, detail, startedAt: now().toISOString(), endedAt: null })
    announce()
  }

  async function run(): Promise<void> {
    try {
      const analysis = await work(onStep, anySignal([left.signal, limit, signal]))
      outcome = { kind: 'done', analysis }
    } catch (error) {
      outcome = { kind: 'failed', error: asFailure(error, limit, left.signal, timeoutMs) }
    }
    clearTimeout(leaving)
    endStep()
    announce()
  }
  const ended = run()

  return {
    ...known,
    get steps() {
      return steps
    },
    get outcome() {
      return outcome
    },
    ended,
    changed: () => change.promise,
    follow() {
      followers += 1
      clearTimeout(leaving)
      return (graceMs) => {
        followers -= 1
        if (followers > 0 || outcome !== null) return
        leaving = setTimeout(() => left.abort(), graceMs)
      }
    },
  }
}

function asFailure(error: unknown, limit: AbortSignal, left: AbortSignal, timeoutMs: number): CatwalkError {
  if (limit.aborted) {
    return new CatwalkError('analysis_timeout', `The analysis took longer than ${timeoutMs / 1000} s.`)
  }
  if (left.aborted) return new CatwalkError('analysis_cancelled', 'Nobody waited for the analysis any more.')
  return publicError(error)
}
