import { queries } from '../db/index.ts'
import { CatwalkError } from '../domain/index.ts'
import type { ReconcilerDependencies } from './dependencies.ts'

/** Has another node start a sleeping deployment; whoever waits for it here hears when none can. */
export async function wakeElsewhere(
  { db, instances }: Pick<ReconcilerDependencies, 'db' | 'instances'>,
  deploymentId: string,
): Promise<void> {
  if ((await queries.wakeElsewhere(db, deploymentId)) !== 'node_lost') return
  const message = 'The machine that has the data of the server does not answer.'
  instances.fail(deploymentId, new CatwalkError('node_lost', message))
}
