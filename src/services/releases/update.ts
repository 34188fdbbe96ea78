import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import { CatwalkError } from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'

/**
 * Whether the package that a deployment runs has a newer version.
 * @throws CatwalkError `deployment_not_found`, `package_not_found`, `package_index_unavailable`, `invalid_request` for a
 *   deployment that is not from a package index
 */
export async function getUpdate(
  ctx: ServiceContext,
  { params }: ParsedInput<'getUpdate'>,
): Promise<RouteOutput<'getUpdate'>> {
  const deploymentId = await queries.deploymentId(ctx.db, ctx.actor.workspaceId, params.id)
  const release =
    (await queries.liveRelease(ctx.db, deploymentId)) ?? (await queries.newestRelease(ctx.db, deploymentId))
  const { package: pkg } = release.launch_spec
  if (pkg.kind !== 'npm') {
    throw new CatwalkError('invalid_request', 'Only packages of npm are looked up for updates so far.')
  }
  const info = await ctx.packages.resolve(pkg.name, null, ctx.signal)
  return {
    current: pkg.version,
    latest: info.version,
    available: info.version !== pkg.version,
    publishedAt: info.publishedAt?.toISOString() ?? null,
    deprecated: info.deprecated,
  }
}
