import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import { CatwalkError, quoted, type ToolSetting } from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'
import { knownTools, notLive, present } from './list.ts'

/**
 * Switches a tool on or off, gives it another name or other words. What is left out stays, null takes a change back.
 * In force on every replica as soon as it is in the database; no instance is started again.
 * @throws CatwalkError `deployment_not_found`, `deployment_not_running`, `tool_not_found`, `tool_name_taken`
 */
export async function changeTool(
  ctx: ServiceContext,
  { params, body }: ParsedInput<'changeTool'>,
): Promise<RouteOutput<'changeTool'>> {
  return ctx.db.transaction().execute(async (tx) => {
    const { id } = await queries.lockDeployment(tx, ctx.actor.workspaceId, params.id)
    const row = await queries.readTools(tx, id)
    if (row === null || row.live === null) throw notLive()
    const names = new Set(knownTools(row.live).keys())
    const { tool } = body
    const settings = new Map(Object.entries(row.settings))
    // One that the server does not list any more can still be put back.
    if (!names.has(tool) && !settings.has(tool)) {
      throw new CatwalkError('tool_not_found', `There is no tool ${quoted(tool)}.`)
    }
    const changed = merged(settings.get(tool) ?? {}, tool, body)
    settings.delete(tool)
    const shown = changed.name ?? tool
    const owner = [...names].find((name) => name !== tool && (settings.get(name)?.name ?? name) === shown)
    if (owner !== undefined) {
      const text = `The name ${quoted(shown)} is taken by the tool ${quoted(owner)}.`
      throw new CatwalkError('tool_name_taken', text, { details: { tool: owner } })
    }
    if (Object.keys(changed).length > 0) settings.set(tool, changed)
    const next = Object.fromEntries(settings)
    await queries.setToolSettings(tx, id, next)
    await queries.recordAudit(tx, {
      actor: ctx.actor,
      action: 'tool.change',
      target: id,
      detail: { ...body },
    })
    await queries.announce(tx, 'deployment', id)
    return present({ ...row, settings: next }, row.live)
  })
}

function merged(
  before: ToolSetting,
  tool: string,
  { isEnabled, name, title, description, annotations }: ParsedInput<'changeTool'>['body'],
): ToolSetting {
  const disabled = isEnabled === undefined ? before.disabled === true : !isEnabled
  const hints = annotations === null ? {} : { ...before.annotations, ...defined(annotations ?? {}) }
  const texts = defined({
    name: pick(name === tool ? null : name, before.name),
    title: pick(title, before.title),
    description: pick(description, before.description),
  })
  return {
    ...(disabled ? { disabled } : {}),
    ...texts,
    ...(Object.keys(hints).length > 0 ? { annotations: hints } : {}),
  }
}

/** What is given, nothing for null, and what there was for what is left out. */
function pick(given: string | null | undefined, before: string | undefined): string | undefined {
  return given === undefined ? before : (given ?? undefined)
}

function defined<T>(members: Readonly<Record<string, T | undefined>>): Record<string, T> {
  const entries = Object.entries(members)
  return Object.fromEntries(entries.filter((entry): entry is [string, T] => entry[1] !== undefined))
}
