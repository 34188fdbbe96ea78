import { createStore } from './store.ts'

/**
 * Endpoint tokens that were just made, by deployment id. In memory only: history state and storage outlive the tab,
 * and a token is shown once.
 */
export const freshTokens = createStore<Readonly<Record<string, string>>>({})

export function keepFreshToken(deploymentId: string, secret: string): void {
  freshTokens.set({ ...freshTokens.get(), [deploymentId]: secret })
}

export function forgetFreshToken(deploymentId: string): void {
  const { [deploymentId]: _, ...rest } = freshTokens.get()
  freshTokens.set(rest)
}
