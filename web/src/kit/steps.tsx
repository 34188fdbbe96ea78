import { Check, CircleDashed, LoaderCircle, X, type LucideIcon } from 'lucide-react'
import { formatDuration } from './format.ts'
import './steps.css'

export interface ShownStep {
  readonly label: string
  readonly status: 'done' | 'now' | 'bad' | 'todo'
  readonly detail?: string | undefined
  /** How long it took, or has taken so far. */
  readonly ms?: number | undefined
}

const ICONS: Readonly<Record<ShownStep['status'], LucideIcon>> = {
  done: Check,
  now: LoaderCircle,
  bad: X,
  todo: CircleDashed,
}

const WORDS: Readonly<Record<ShownStep['status'], string>> = {
  done: 'Done',
  now: 'Under way',
  bad: 'Failed',
  todo: 'To come',
}

export function Steps({ steps, tight = false }: { readonly steps: readonly ShownStep[]; tight?: boolean }) {
  return (
    <ol className={tight ? 'steps tight' : 'steps'}>
      {steps.map((step) => {
        const Icon = ICONS[step.status]
        return (
          <li
            key={step.label}
            className={step.status}
            aria-current={step.status === 'now' ? 'step' : undefined}
          >
            <span className="pip">
              <Icon className="s" />
              <span className="sr">{WORDS[step.status]}:</span>
            </span>
            <div>
              <b>{step.label}</b>
              {step.detail !== undefined && <p>{step.detail}</p>}
            </div>
            <time>{step.ms === undefined ? '' : formatDuration(step.ms)}</time>
          </li>
        )
      })}
    </ol>
  )
}
