import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import type { ServiceContext } from '../context.ts'
import { notLive, present } from './list.ts'

/**
 * Sets which differences from what was approved stop a tool.
 * @throws CatwalkError `deployment_not_found`, `deployment_not_running`
 */
export async function setToolPinning(
  ctx: ServiceContext,
  { params, body: { pinning } }: ParsedInput<'setToolPinning'>,
): Promise<RouteOutput<'setToolPinning'>> {
  return ctx.db.transaction().execute(async (tx) => {
    const { id } = await queries.lockDeployment(tx, ctx.actor.workspaceId, params.id)
    const row = await queries.readTools(tx, id)
    if (row === null || row.live === null) throw notLive()
    await queries.setToolPinning(tx, id, pinning)
    await queries.recordAudit(tx, {
      actor: ctx.actor,
      action: 'tool.pinning',
      target: id,
      detail: { pinning },
    })
    await queries.announce(tx, 'deployment', id)
    return present({ ...row, pinning }, row.live)
  })
}
