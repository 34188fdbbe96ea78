import type { queries } from '../db/index.ts'
import { CatwalkError, type Instance, type InstanceEnd } from '../domain/index.ts'
import type { ReconcilerDependencies } from './dependencies.ts'

/** What callers and the owner are told while an account that serves everybody is not connected. */
export function accountNeeded(
  publicUrl: string,
  { name, slug }: Pick<queries.DeploymentRow, 'name' | 'slug'>,
): CatwalkError {
  const url = `${publicUrl}/deployments/${slug}`
  const text = `${name} works with an account at another service, which must be connected again. Its owner does that at ${url}`
  return new CatwalkError('account_needed', text, { details: { url } })
}

/**
 * Stands where an instance would, without a process: a server that cannot have its credentials is not started again and
 * again, and everybody who calls is told why.
 */
export function startRefusing(
  { refuse }: Pick<ReconcilerDependencies, 'refuse'>,
  id: string,
  error: CatwalkError,
): Instance {
  const ended = Promise.withResolvers<InstanceEnd>()
  return {
    id,
    ended: ended.promise,
    endpoint: {
      handle: (_, res, caller) => refuse(res, caller.requestId, error),
      request: () => Promise.reject(error),
      probe: () => Promise.reject(error),
    },
    release: () => [],
    idleMs: () => null,
    check: async () => {},
    async stop() {
      ended.resolve({ reason: 'stopped', exitCode: null, signal: null })
    },
  }
}
