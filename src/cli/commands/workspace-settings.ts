import type { RouteInput, RouteOutput } from '../../contract/index.ts'
import { CatwalkError, quoted, WORKSPACE_SETTINGS, type WorkspaceSetting } from '../../domain/index.ts'
import { cleanLine } from '../clean-text.ts'
import type { CommandContext, CommonOptions } from '../context.ts'
import { formatTable } from '../table.ts'
import { readVariables } from '../variables.ts'

export interface SetOptions extends CommonOptions {
  readonly envFile?: string
}

type Values = RouteInput<'changeWorkspaceSettings'>['body']['values']
type Settings = RouteOutput<'listWorkspaceSettings'>

export async function listWorkspaceSettings(context: CommandContext): Promise<void> {
  show(context, await context.call('listWorkspaceSettings', {}))
}

/** @throws CatwalkError `invalid_request`, `service_key_refused`, `service_unreachable` */
export async function setWorkspaceSettings(
  context: CommandContext,
  names: readonly string[],
  { envFile }: SetOptions,
): Promise<void> {
  const { host, output, signal } = context
  // What is named must be known; a file may hold anything.
  const named = settingsOf(await readVariables(names, undefined, host, output, signal))
  const inFile = envFile === undefined ? {} : await readVariables([], envFile, host, output, signal)
  const known = Object.entries(inFile).filter(([name]) => isSetting(name))
  const left = Object.keys(inFile).length - known.length
  if (left > 0) output.note(`${left} of the file's variables are no settings and left out.`)
  const values: Values = { ...Object.fromEntries(known), ...named }
  if (Object.keys(values).length === 0) throw unknownSetting('Nothing is given that could be set.')
  show(context, await context.call('changeWorkspaceSettings', { body: { values } }))
}

/** @throws CatwalkError `invalid_request` */
export async function unsetWorkspaceSettings(
  context: CommandContext,
  names: readonly string[],
): Promise<void> {
  const values = settingsOf(Object.fromEntries(names.map((name) => [name, null])))
  show(context, await context.call('changeWorkspaceSettings', { body: { values } }))
}

function settingsOf<V>(values: Readonly<Record<string, V>>): Partial<Record<WorkspaceSetting, V>> {
  const unknown = Object.keys(values).find((name) => !isSetting(name))
  if (unknown !== undefined) throw unknownSetting(`There is no setting ${quoted(unknown)}.`)
  return values
}

function isSetting(name: string): name is WorkspaceSetting {
  return WORKSPACE_SETTINGS.some((known) => known === name)
}

function unknownSetting(message: string): CatwalkError {
  return new CatwalkError('invalid_request', message, {
    help: `These can be set: ${WORKSPACE_SETTINGS.join(', ')}.`,
  })
}

function show({ output }: CommandContext, { items }: Settings): void {
  output.result(items, () =>
    formatTable(
      output,
      ['SETTING', 'VALUE', 'TAKEN FOR', 'CHECKED'],
      items.map(({ name, masked, account, checkedAt }) =>
        [name, masked ?? '-', account ?? '-', checkedAt ?? '-'].map(cleanLine),
      ),
    ),
  )
}
