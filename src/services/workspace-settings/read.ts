import type { RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import { WORKSPACE_SETTINGS } from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'

/** Every setting that there is, with what may be shown of those that are set. */
export async function listWorkspaceSettings(
  ctx: Pick<ServiceContext, 'db' | 'actor'>,
): Promise<RouteOutput<'listWorkspaceSettings'>> {
  const rows = await queries.listWorkspaceSettings(ctx.db, ctx.actor.workspaceId)
  return {
    items: WORKSPACE_SETTINGS.map((name) => {
      const row = rows.find((candidate) => candidate.name === name)
      return {
        name,
        masked: row?.masked ?? null,
        account: row?.account ?? null,
        checkedAt: row?.checked_at.toISOString() ?? null,
      }
    }),
  }
}
