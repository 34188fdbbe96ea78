import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import { CatwalkError, quoted } from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'

/**
 * What people allowed clients at the endpoint.
 * @throws CatwalkError `deployment_not_found`
 */
export async function listConnections(
  ctx: ServiceContext,
  { params }: ParsedInput<'listConnections'>,
): Promise<RouteOutput<'listConnections'>> {
  const { id: deploymentId } = await queries.findEndpoint(ctx.db, ctx.actor.workspaceId, params.id)
  return { items: (await queries.listConnections(ctx.db, { deploymentId })).map(present) }
}

/**
 * Takes back what somebody allowed a client: its tokens are dead on every gateway.
 * @throws CatwalkError `deployment_not_found`, `connection_not_found`
 */
export async function revokeConnection(
  ctx: ServiceContext,
  { params }: ParsedInput<'revokeConnection'>,
): Promise<null> {
  return ctx.db.transaction().execute(async (tx) => {
    const { id: deploymentId } = await queries.lockEndpoint(tx, ctx.actor.workspaceId, params.id)
    await end(tx, ctx, { id: params.connectionId, deploymentId })
    return null
  })
}

/** What the one who is signed in allowed clients, in all workspaces. */
export async function listOwnConnections(ctx: ServiceContext): Promise<RouteOutput<'listOwnConnections'>> {
  return { items: (await queries.listConnections(ctx.db, { userId: ctx.actor.id })).map(present) }
}

/** @throws CatwalkError `connection_not_found`, for another person's as well */
export async function revokeOwnConnection(
  ctx: ServiceContext,
  { params }: ParsedInput<'revokeOwnConnection'>,
): Promise<null> {
  return ctx.db.transaction().execute(async (tx) => {
    await end(tx, ctx, { id: params.connectionId, userId: ctx.actor.id })
    return null
  })
}

async function end(
  tx: queries.Handle,
  ctx: ServiceContext,
  which: { readonly id: string; readonly deploymentId?: string; readonly userId?: string },
): Promise<void> {
  const [ended] = await queries.endConnections(tx, which)
  if (ended === undefined) {
    throw new CatwalkError('connection_not_found', `There is no connection ${quoted(which.id)}.`)
  }
  await queries.recordAudit(tx, {
    actor: { ...ctx.actor, workspaceId: ended.workspace_id },
    action: 'connection.revoke',
    target: which.id,
    detail: { deployment: ended.deployment_id },
  })
  await queries.announce(tx, 'deployment', ended.deployment_id)
}

function present(row: queries.ConnectionRow): RouteOutput<'listConnections'>['items'][number] {
  return {
    id: row.id,
    client: {
      id: row.client_id,
      name: row.client_name,
      kind: row.client_kind,
      host: row.client_kind === 'document' ? new URL(row.client_id).host : null,
    },
    user: { id: row.user_id, email: row.user_email },
    deployment: { id: row.deployment_id, name: row.deployment_name, slug: row.slug },
    callsTools: row.scopes.includes('mcp:tools'),
    createdAt: row.created_at.toISOString(),
    lastUsedAt: row.last_used_at?.toISOString() ?? null,
  }
}
