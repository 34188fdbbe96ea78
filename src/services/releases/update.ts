import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import { CatwalkError, describePackage } from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'

type Update = RouteOutput<'getUpdate'>

/**
 * What is known of a newer version of what a deployment runs. Asks nobody outside.
 * @throws CatwalkError `deployment_not_found`, `invalid_request` for what has no versions
 */
export async function getUpdate(ctx: ServiceContext, { params }: ParsedInput<'getUpdate'>): Promise<Update> {
  return present(await rowOf(ctx, params.id))
}

/**
 * Has a newer version looked for now, and tried out when there is one. Does not wait for it.
 * @throws CatwalkError those of {@link getUpdate}
 */
export async function checkUpdate(
  ctx: ServiceContext,
  { params }: ParsedInput<'checkUpdate'>,
): Promise<Update> {
  const { deploymentId } = await rowOf(ctx, params.id)
  await queries.askForUpdate(ctx.db, deploymentId)
  ctx.pokeUpdates()
  return present(await rowOf(ctx, deploymentId))
}

/**
 * Leaves a version out, until there is a newer one; null takes that back.
 * @throws CatwalkError those of {@link getUpdate}, `version_not_found` for another one than what was found
 */
export async function skipUpdate(
  ctx: ServiceContext,
  { params, body }: ParsedInput<'skipUpdate'>,
): Promise<Update> {
  const { deploymentId, found } = await rowOf(ctx, params.id)
  const { version } = body
  if (version !== null && version !== found?.version) {
    throw new CatwalkError('version_not_found', 'This is not the version that is available.', {
      help: 'Look again: another one may have come out since.',
    })
  }
  await ctx.db.transaction().execute(async (tx) => {
    await queries.skipUpdate(tx, deploymentId, version)
    await queries.recordAudit(tx, {
      actor: ctx.actor,
      action: 'update.skip',
      target: deploymentId,
      detail: { version },
    })
    await queries.announce(tx, 'feed', deploymentId)
  })
  return present(await rowOf(ctx, deploymentId))
}

/** Deployments of the workspace for which a newer version is known, the newest first. */
export async function listUpdates(ctx: ServiceContext): Promise<RouteOutput<'listUpdates'>> {
  const rows = await queries.readUpdates(ctx.db, ctx.actor.workspaceId, null)
  return {
    items: rows.map((row) => ({
      deployment: { id: row.deploymentId, slug: row.slug, name: row.name },
      ...present(row),
    })),
  }
}

async function rowOf(ctx: ServiceContext, idOrSlug: string): Promise<queries.UpdateRow> {
  const { workspaceId } = ctx.actor
  const id = await queries.deploymentId(ctx.db, workspaceId, idOrSlug)
  const [row] = await queries.readUpdates(ctx.db, workspaceId, id)
  if (row === undefined) throw new CatwalkError('deployment_deleting', 'The deployment is being deleted.')
  if (row.package.kind === 'remote') {
    throw new CatwalkError(
      'invalid_request',
      'Someone else runs this server, and so decides about its version.',
    )
  }
  return row
}

function present({
  package: pkg,
  phase,
  checkedAt,
  failure,
  found,
  trial,
  isSkipped,
}: queries.UpdateRow): Update {
  const { version: current } = describePackage(pkg)
  return {
    current,
    latest: found?.version ?? current,
    available: found !== null,
    isSkipped,
    publishedAt: found?.publishedAt?.toISOString() ?? null,
    deprecated: found?.deprecated ?? null,
    phase,
    checkedAt: checkedAt?.toISOString() ?? null,
    failure,
    trial:
      trial === null
        ? null
        : {
            ...trial,
            tools: {
              added: [...trial.tools.added],
              removed: [...trial.tools.removed],
              changed: trial.tools.changed.map((change) => ({
                ...change,
                members: [...change.members],
                from: { ...change.from },
                to: { ...change.to },
              })),
            },
            resources: trial.resources && lists(trial.resources),
            prompts: trial.prompts && lists(trial.prompts),
            requires: [...trial.requires],
          },
  }
}

function lists({
  added,
  removed,
  changed,
}: Readonly<Record<'added' | 'removed' | 'changed', readonly string[]>>) {
  return { added: [...added], removed: [...removed], changed: [...changed] }
}
