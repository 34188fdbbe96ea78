import type { RouteOutput } from '../../contract/index.ts'
import { cleanLine } from '../clean-text.ts'
import type { CommandContext, CommonOptions } from '../context.ts'
import { formatAge, formatTable } from '../table.ts'
import { readVariables } from '../variables.ts'
import { readFiles } from './deploy.ts'

export interface BringOptions extends CommonOptions {
  readonly env?: readonly string[]
  readonly envFile?: string
  /** NAME=PATH */
  readonly file?: readonly string[]
}

type OwnCredentials = RouteOutput<'getOwnCredentials'>

/** What deployments want of the one who asks, in the workspaces that can be reached, and what was brought. */
export async function listOwnCredentials(context: CommandContext): Promise<void> {
  const { output } = context
  const { items } = await context.call('listOwnCredentials', {})
  const now = new Date()
  output.result(items, () =>
    formatTable(
      output,
      ['DEPLOYMENT', 'WORKSPACE', 'CREDENTIAL', 'VALUE', 'BROUGHT'],
      items.flatMap(({ deployment, workspace, credentials }) =>
        credentials.map(({ name, version, broughtAt }) =>
          [
            deployment.slug,
            workspace.name,
            name,
            version === null ? 'missing' : `value ${version}`,
            broughtAt === null ? '-' : `${formatAge(broughtAt, now)} ago`,
          ].map(cleanLine),
        ),
      ),
    ),
  )
}

/** Brings one's own values for a deployment. Those that are not given stay. */
export async function bringCredentials(
  context: CommandContext,
  id: string,
  options: BringOptions,
): Promise<void> {
  const { host, output, signal } = context
  const given = await readVariables(options.env ?? [], options.envFile, host, output, signal)
  const values = { ...given, ...(await readFiles(options.file ?? [])) }
  tell(context, await context.call('bringOwnCredentials', { params: { id }, body: { values } }))
}

/** Takes back all that one has brought for a deployment. */
export async function withdrawCredentials(context: CommandContext, id: string): Promise<void> {
  tell(context, await context.call('withdrawOwnCredentials', { params: { id } }))
}

function tell({ output }: CommandContext, own: OwnCredentials): void {
  output.result(own, () => {
    const missing = own.credentials.filter(({ version }) => version === null).map(({ name }) => name)
    const name = cleanLine(own.deployment.name)
    if (missing.length === 0) return `${name} works with your credentials.`
    return `${name} does not work for you: it has no ${missing.map(cleanLine).join(', ')} of yours.`
  })
}
