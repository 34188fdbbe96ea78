import { createContext, use } from 'react'
import type { Deployment } from '../../api/client.ts'

/** The deployment whose room this is, for its tabs. */
export const CurrentDeployment = createContext<Deployment | null>(null)

export function useCurrent(): Deployment {
  const deployment = use(CurrentDeployment)
  if (deployment === null) throw new Error('A tab was drawn outside the room of a deployment.')
  return deployment
}
