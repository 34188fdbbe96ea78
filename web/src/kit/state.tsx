import type { ReactNode } from 'react'
import type { DeploymentState } from '../api/client.ts'
import './state.css'

const GLYPHS: Readonly<Record<DeploymentState, ReactNode>> = {
  running: (
    <>
      <circle cx="7" cy="7" r="3.5" fill="currentColor" stroke="none" />
      <circle cx="7" cy="7" r="6" opacity=".35" strokeWidth="1.25" />
    </>
  ),
  deploying: (
    <>
      <circle cx="7" cy="7" r="5.25" opacity=".3" />
      <path d="M7 1.75A5.25 5.25 0 0 1 12.25 7" />
    </>
  ),
  sleeping: <path d="M12 8.2A5.3 5.3 0 1 1 5.8 2a4.2 4.2 0 0 0 6.2 6.2z" />,
  unhealthy: (
    <>
      <path d="M7 1.9 13 12.2H1z" />
      <path d="M7 5.8v2.8" />
    </>
  ),
  failed: <path d="M3 3l8 8M11 3l-8 8" />,
  stopped: <rect x="2.75" y="2.75" width="8.5" height="8.5" rx="1.5" />,
  deleting: (
    <>
      <circle cx="7" cy="7" r="5.25" strokeDasharray="2.2 2.2" />
      <path d="M4.8 7h4.4" />
    </>
  ),
}

export const STATE_WORDS: Readonly<Record<DeploymentState, string>> = {
  running: 'Running',
  deploying: 'Deploying',
  sleeping: 'Sleeping',
  unhealthy: 'Unhealthy',
  failed: 'Failed',
  stopped: 'Stopped',
  deleting: 'Deleting',
}

export function StateGlyph({ state }: { readonly state: DeploymentState }) {
  return (
    <svg className="g" viewBox="0 0 14 14" aria-hidden="true">
      {GLYPHS[state]}
    </svg>
  )
}

/** A state is a shape, a colour and a word, always all three. */
export function State({ state, pill = false }: { readonly state: DeploymentState; readonly pill?: boolean }) {
  return (
    <span className={`state ${state}${pill ? ' pill' : ''}`}>
      <StateGlyph state={state} />
      {STATE_WORDS[state]}
    </span>
  )
}
