import { packageLabel, type LaunchSpec } from '../../domain/index.ts'
import { queries } from '../../db/index.ts'
import type { ServiceContext } from '../context.ts'

/**
 * The launch spec with another version of its package; the same object when that is the version it has. The version that
 * a check found is taken as it was tried out.
 * @param version exact, or a tag; for a repository a branch, tag or commit
 * @throws CatwalkError those of `VersionFinder.at`
 */
export async function atVersion(
  ctx: ServiceContext,
  deploymentId: string,
  spec: LaunchSpec,
  version: string,
): Promise<LaunchSpec> {
  const { workspaceId } = ctx.actor
  const [known] = await queries.readUpdates(ctx.db, workspaceId, deploymentId)
  const found =
    known?.found?.version === version && packageLabel(known.package) === packageLabel(spec.package)
      ? known.found.package
      : await ctx.versions.at(workspaceId, spec.package, version, ctx.signal)
  return packageLabel(found) === packageLabel(spec.package) ? spec : { ...spec, package: found }
}
