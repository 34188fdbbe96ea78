import type { ParsedInput, RouteOutput } from '../contract/index.ts'
import { queries } from '../db/index.ts'
import { CatwalkError, quotasOf, type OwnQuotas } from '../domain/index.ts'
import type { ServiceContext } from './context.ts'

type Shown = RouteOutput<'getQuotas'>

/** What the workspace may use, and what it uses. */
export async function getQuotas(ctx: ServiceContext): Promise<Shown> {
  return show(ctx, ctx.db, ctx.actor.workspaceId)
}

/**
 * Sets what one workspace may use; null takes it back to what every workspace may, and what is absent stays.
 * @throws CatwalkError `workspace_not_found`
 */
export async function changeQuotas(
  ctx: ServiceContext,
  { params, body }: ParsedInput<'changeQuotas'>,
): Promise<RouteOutput<'changeQuotas'>> {
  return ctx.db.transaction().execute(async (tx) => {
    await queries.lockWorkspace(tx, params.id)
    const former = (await queries.ownQuotas(tx, params.id)) ?? NONE
    const own: OwnQuotas = {
      deployments: orBefore(body.deployments, former.deployments),
      memoryMiB: orBefore(body.memoryMiB, former.memoryMiB),
      callsPerMinute: orBefore(body.callsPerMinute, former.callsPerMinute),
      concurrentCalls: orBefore(body.concurrentCalls, former.concurrentCalls),
    }
    if (!(await queries.setOwnQuotas(tx, params.id, own))) {
      throw new CatwalkError('workspace_not_found', 'There is no such workspace.')
    }
    await queries.recordAudit(tx, {
      actor: { ...ctx.actor, workspaceId: params.id },
      action: 'workspace.quotas',
      target: params.id,
      detail: { ...own },
    })
    return show(ctx, tx, params.id)
  })
}

function orBefore(value: number | null | undefined, before: number | null): number | null {
  return value === undefined ? before : value
}

const NONE: OwnQuotas = { deployments: null, memoryMiB: null, callsPerMinute: null, concurrentCalls: null }

async function show(ctx: ServiceContext, db: queries.Handle, workspaceId: string): Promise<Shown> {
  const own = await queries.ownQuotas(db, workspaceId)
  const limits = quotasOf(own, ctx.quotas)
  const taken = await queries.takenOf(db, workspaceId, null)
  const shown = (name: keyof OwnQuotas, used: number | null): Shown['deployments'] => ({
    limit: limits[name] === 0 ? null : limits[name],
    own: own?.[name] !== null && own?.[name] !== undefined,
    used,
  })
  return {
    deployments: shown('deployments', taken.deployments),
    memoryMiB: shown('memoryMiB', taken.memoryMiB),
    callsPerMinute: shown('callsPerMinute', null),
    concurrentCalls: shown('concurrentCalls', null),
  }
}

/**
 * Checks that the workspace may have one deployment more, or one that takes more memory. Holds back others that would
 * take something until the transaction ends.
 * @param existing id of the deployment that gets a new release; null for a new one
 * @throws CatwalkError `quota_exceeded`
 */
export async function checkQuotas(
  tx: queries.Handle,
  ctx: ServiceContext,
  existing: string | null,
  memoryMiB: number,
): Promise<void> {
  const { workspaceId } = ctx.actor
  await queries.lockWorkspace(tx, workspaceId)
  const limits = quotasOf(await queries.ownQuotas(tx, workspaceId), ctx.quotas)
  const taken = await queries.takenOf(tx, workspaceId, existing)
  if (existing === null && limits.deployments > 0 && taken.deployments >= limits.deployments) {
    throw new CatwalkError(
      'quota_exceeded',
      `The workspace may have ${limits.deployments} ${limits.deployments === 1 ? 'deployment' : 'deployments'}, and has ${taken.deployments}.`,
      { details: { quota: 'deployments', limit: limits.deployments, used: taken.deployments, wanted: 1 } },
    )
  }
  if (limits.memoryMiB > 0 && taken.memoryMiB + memoryMiB > limits.memoryMiB) {
    throw new CatwalkError(
      'quota_exceeded',
      `The deployments of the workspace may have ${limits.memoryMiB} MiB of memory in all. The others have ${taken.memoryMiB} MiB, and this one wants ${memoryMiB} MiB.`,
      {
        details: { quota: 'memoryMiB', limit: limits.memoryMiB, used: taken.memoryMiB, wanted: memoryMiB },
      },
    )
  }
}
