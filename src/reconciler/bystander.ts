import { queries } from '../db/index.ts'
import { CatwalkError } from '../domain/index.ts'
import type { ReconcilerDependencies } from './dependencies.ts'
import type { Reconciler } from './loop.ts'
import { wakeElsewhere } from './wake-elsewhere.ts'

/** In place of the reconciler on a node that runs no servers: what is asked for here is started elsewhere. */
export function startBystander(
  deps: Pick<ReconcilerDependencies, 'db' | 'nodeId' | 'instances' | 'logger'>,
): Reconciler {
  const { db, nodeId, instances, logger } = deps
  instances.onWanted((deploymentId) => {
    wakeElsewhere(deps, deploymentId).catch((error: unknown) => {
      logger.error({ err: error, deployment: deploymentId }, 'it could not be woken')
      const message = 'Catwalk cannot start the server right now.'
      instances.fail(deploymentId, new CatwalkError('unavailable', message))
    })
  })
  return {
    poke: () => undefined,
    async [Symbol.asyncDispose]() {
      await queries.leaveNode(db, nodeId).catch((error: unknown) => {
        logger.warn({ err: error }, 'that this node stops could not be said')
      })
    },
  }
}
