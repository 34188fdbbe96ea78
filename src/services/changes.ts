import type { Changes } from './context.ts'

/** Passes on what the database's channel tells to those who follow a deployment. */
export interface ChangeHub extends Changes {
  publish(deploymentId: string): void
  /** After the channel was away: anything may have changed. */
  publishAll(): void
}

export function createChangeHub(): ChangeHub {
  const listeners = new Map<string, Set<() => void>>()
  return {
    subscribe(deploymentId, listener) {
      const own = listeners.get(deploymentId) ?? new Set()
      listeners.set(deploymentId, own.add(listener))
      return () => {
        own.delete(listener)
        if (own.size === 0 && listeners.get(deploymentId) === own) listeners.delete(deploymentId)
      }
    },
    publish(deploymentId) {
      for (const listener of listeners.get(deploymentId) ?? []) listener()
    },
    publishAll() {
      for (const own of listeners.values()) for (const listener of own) listener()
    },
  }
}
