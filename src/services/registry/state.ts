import type { RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import type { ServiceContext } from '../context.ts'

type States = RouteOutput<'listRegistries'>['items']

/** How fresh the copy of each registry is. */
export async function readRegistries(ctx: Pick<ServiceContext, 'db'>): Promise<States> {
  const rows = await queries.listRegistrySources(ctx.db)
  return rows.map((row) => ({
    name: row.name,
    url: row.url,
    servers: row.servers,
    syncedAt: row.synced_at?.toISOString() ?? null,
    syncing: row.crawl_began_at !== null && row.failed_at === null,
    failure:
      row.failure === null || row.failed_at === null
        ? null
        : { at: row.failed_at.toISOString(), message: row.failure },
    nextAt: row.next_at.toISOString(),
  }))
}

export async function listRegistries(ctx: ServiceContext): Promise<RouteOutput<'listRegistries'>> {
  return { items: await readRegistries(ctx) }
}
