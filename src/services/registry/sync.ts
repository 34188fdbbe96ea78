import type { RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import type { ServiceContext } from '../context.ts'
import { readRegistries } from './state.ts'

/** Has every registry asked now what changed, whenever it was due. Does not wait for it. */
export async function syncRegistries(ctx: ServiceContext): Promise<RouteOutput<'syncRegistries'>> {
  await ctx.db.transaction().execute(async (tx) => {
    await queries.hastenRegistrySources(tx)
    await queries.recordAudit(tx, { actor: ctx.actor, action: 'registry.sync', target: null })
  })
  ctx.pokeRegistries()
  return { items: await readRegistries(ctx) }
}
