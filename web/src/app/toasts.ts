import { explain } from './explain.ts'
import { createStore } from './store.ts'

export interface Toast {
  readonly id: number
  readonly tone: 'running' | 'stopped' | 'failed'
  readonly text: string
  readonly requestId?: string
}

const SHOWN_MS = 6000

export const toasts = createStore<readonly Toast[]>([])

let nextId = 1

export function dismiss(id: number): void {
  toasts.set(toasts.get().filter((toast) => toast.id !== id))
}

/** Tells the outcome of an action for a few seconds; a failure stays until it is dismissed. */
export function tell(toast: Omit<Toast, 'id'>): void {
  const id = nextId++
  toasts.set([...toasts.get().slice(-3), { ...toast, id }])
  if (toast.tone !== 'failed') setTimeout(() => dismiss(id), SHOWN_MS)
}

/** Tells that an action did not succeed. */
export function tellFailure(error: unknown): void {
  const { message, requestId } = explain(error)
  tell({ tone: 'failed', text: message, ...(requestId === undefined ? {} : { requestId }) })
}
