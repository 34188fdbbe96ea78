import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import { beginOf, costOf, type RuntimeKind } from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'
import { deploymentOf, rangeOf } from './read.ts'

const HOUR_MS = 3_600_000

/**
 * How long deployments were awake with how much memory, what that costs where there is a price, and how it is reckoned.
 * @throws CatwalkError `deployment_not_found`, `invalid_request` for a range that is none
 */
export async function getCost(
  ctx: ServiceContext,
  { query }: ParsedInput<'getCost'>,
): Promise<RouteOutput<'getCost'>> {
  const range = rangeOf(ctx, query)
  const since = beginOf('hour', range.since)
  const { until } = range
  const deploymentId = await deploymentOf(ctx, query.deployment)
  const { workspaceId } = ctx.actor
  const rows = await queries.awakeByDeployment(ctx.db, { workspaceId, deploymentId, since, until })
  return {
    since: since.toISOString(),
    until: until.toISOString(),
    items: rows.map((row) => {
      // Written from the settings of a release only.
      const runtime = row.runtime as RuntimeKind
      const awakeHours = row.awake_ms / HOUR_MS
      const gibHours = row.mib_ms / 1024 / HOUR_MS
      return {
        deployment: { id: row.deployment_id, slug: row.slug, name: row.name },
        runtime,
        calls: row.calls,
        awakeHours,
        gibHours,
        ...costOf({ runtime, awakeHours, gibHours }, ctx.memoryPrice),
      }
    }),
  }
}
