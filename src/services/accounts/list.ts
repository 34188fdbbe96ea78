import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import type { ServiceContext } from '../context.ts'
import { sourcesOf } from './store.ts'

/**
 * Accounts that a deployment works with: those for everybody, and the caller's own.
 * @throws CatwalkError `deployment_not_found`
 */
export async function listAccounts(
  ctx: ServiceContext,
  { params }: ParsedInput<'listAccounts'>,
): Promise<RouteOutput<'listAccounts'>> {
  const { db, actor } = ctx
  const id = await queries.deploymentId(db, actor.workspaceId, params.id)
  const { accounts, personal } = await sourcesOf(db, id)
  const [shared, own, providers] = await Promise.all([
    queries.listConnectedAccounts(db, id, null),
    queries.listConnectedAccounts(db, id, actor.id),
    queries.listAccountProviders(db, actor.workspaceId),
  ])
  return {
    items: Object.entries(accounts).map(([name, { provider }]) => {
      const isOwn = personal.has(name)
      const found = (isOwn ? own : shared).find((account) => account.name === name)
      return {
        name,
        provider: { id: provider, name: providers.find((one) => one.id === provider)?.name ?? provider },
        own: isOwn,
        state: found?.state ?? 'missing',
        problem: found?.problem ?? null,
        connectedAt: found?.connected_at.toISOString() ?? null,
        expiresAt: found?.expires_at?.toISOString() ?? null,
      }
    }),
  }
}
