import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import type { ServiceContext } from '../context.ts'
import { sourcesOf } from './store.ts'

/**
 * Accounts that a deployment works with: those for everybody, and the caller's own. Then those that no release works
 * with any more.
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
  const providerOf = (known: string) => ({
    id: known,
    name: providers.find((one) => one.id === known)?.name ?? known,
  })
  const wanted = Object.entries(accounts).map(([name, { provider }]) => {
    const isOwn = personal.has(name)
    const found = (isOwn ? own : shared).find((account) => account.name === name)
    return {
      name,
      provider: providerOf(provider),
      own: isOwn,
      state: found?.state ?? ('missing' as const),
      ...detailsOf(found),
    }
  })
  const left = [...shared, ...own].filter(({ name }) => accounts[name] === undefined)
  return {
    items: [
      ...wanted,
      ...left.map((account) => ({
        name: account.name,
        provider: providerOf(account.provider_id),
        own: account.user_id !== null,
        state: 'unused' as const,
        ...detailsOf(account),
      })),
    ],
  }
}

const detailsOf = (account: queries.ConnectedAccountRow | undefined) => ({
  problem: account?.problem ?? null,
  connectedAt: account?.connected_at.toISOString() ?? null,
  expiresAt: account?.expires_at?.toISOString() ?? null,
})
