import { useAnalysisSteps } from '../api/analyse.ts'
import type { RunStep } from '../api/client.ts'
import { useNow } from '../kit/now.ts'
import { Steps, type ShownStep } from '../kit/steps.tsx'

const LABELS: Readonly<Record<RunStep['step'], string>> = {
  fetching: 'Fetching it',
  reading: 'Reading its files',
  looking_up: 'Looking its package up',
  booting: 'Trying it out in the sandbox',
  asking_model: 'Asking the language model',
}
/** What nearly every analysis goes through. */
const USUAL = ['fetching', 'reading', 'looking_up', 'booting'] as const
const TICK_MS = 500

/** Each step of an analysis as it happens; the one under way is told to screen readers. */
export function AnalysisProgress({
  source,
  server,
}: {
  readonly source: string
  readonly server?: string | undefined
}) {
  const steps = useAnalysisSteps(source, server)
  const now = useNow(TICK_MS)
  const current = steps.at(-1)
  return (
    <>
      <p className="sr" role="status">
        {current === undefined ? 'Asking' : LABELS[current.step]}
      </p>
      <Steps tight steps={shownSteps(steps, now)} />
    </>
  )
}

/** @param now milliseconds since the epoch, for the step under way */
export function shownSteps(steps: readonly RunStep[], now: number): readonly ShownStep[] {
  const reached = new Set(steps.map(({ step }) => step))
  const begun = steps.map((step): ShownStep => {
    const from = Date.parse(step.startedAt)
    const to = step.endedAt === null ? now : Date.parse(step.endedAt)
    return {
      label: LABELS[step.step],
      status: step.endedAt === null ? 'now' : 'done',
      ms: Math.max(0, to - from),
      ...(step.detail === null ? {} : { detail: step.detail }),
    }
  })
  const last = Math.max(-1, ...steps.map(({ step }) => USUAL.findIndex((name) => name === step)))
  const ahead = USUAL.filter((name, index) => index > last && !reached.has(name))
  return [...begun, ...ahead.map((name): ShownStep => ({ label: LABELS[name], status: 'todo' }))]
}
