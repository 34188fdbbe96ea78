import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import { maskedValue, newId, Secret, type WorkspaceSetting } from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'
import { openWorkspaceSettings, settingOf, workspaceSettingScope } from './open.ts'
import { listWorkspaceSettings } from './read.ts'

/**
 * Sets what is given and takes away what is null. Each key is checked against its service first; when one is refused,
 * nothing is saved.
 * @throws CatwalkError `service_key_refused`, `service_unreachable`
 */
export async function changeWorkspaceSettings(
  ctx: ServiceContext,
  { body }: ParsedInput<'changeWorkspaceSettings'>,
): Promise<RouteOutput<'changeWorkspaceSettings'>> {
  const { workspaceId } = ctx.actor
  const given = new Map<WorkspaceSetting, Secret>()
  const removed: WorkspaceSetting[] = []
  for (const [text, value] of Object.entries(body.values)) {
    const name = settingOf(text)
    // An absent field is not a change.
    if (name === null || value === undefined) continue
    if (value === null) removed.push(name)
    else given.set(name, new Secret(value))
  }
  const accounts = await checked(ctx, given, removed)
  const rows = [...given].map(([name, value]) => {
    const id = newId('workspaceSetting')
    const { token, keyId } = ctx.vault.encrypt(workspaceSettingScope(id), value)
    return {
      id,
      name,
      token,
      key_id: keyId,
      masked: maskedValue(name, value.reveal()),
      account: accounts.get(name) ?? null,
    }
  })
  await ctx.db.transaction().execute(async (tx) => {
    await queries.deleteWorkspaceSettings(tx, workspaceId, removed)
    await queries.replaceWorkspaceSettings(tx, workspaceId, rows)
    await queries.recordAudit(tx, {
      actor: ctx.actor,
      action: 'workspace.settings',
      target: workspaceId,
      detail: { set: [...given.keys()], removed },
    })
  })
  return listWorkspaceSettings(ctx)
}

/** Whom each service takes its key for. A refused key leaves a trace: somebody may be trying keys out. */
async function checked(
  ctx: ServiceContext,
  given: ReadonlyMap<WorkspaceSetting, Secret>,
  removed: readonly WorkspaceSetting[],
): Promise<ReadonlyMap<WorkspaceSetting, string | null>> {
  if (given.size === 0) return new Map()
  const values = new Map(await openWorkspaceSettings(ctx.db, ctx.vault, ctx.actor.workspaceId))
  for (const name of removed) values.delete(name)
  for (const [name, value] of given) values.set(name, value)
  try {
    return await ctx.serviceKeys.check([...given.keys()], values, ctx.signal)
  } catch (error) {
    await queries.recordAudit(ctx.db, {
      actor: ctx.actor,
      action: 'workspace.settings',
      target: ctx.actor.workspaceId,
      outcome: 'failed',
      detail: { set: [...given.keys()] },
    })
    throw error
  }
}
