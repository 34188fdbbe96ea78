import type { RouteInput } from '../../contract/index.ts'
import { cleanLine } from '../clean-text.ts'
import type { CommandContext, CommonOptions } from '../context.ts'
import { formatAge, formatTable } from '../table.ts'
import { readVariables } from '../variables.ts'

export interface AddProviderOptions extends CommonOptions {
  readonly preset?: 'github' | 'google'
  readonly clientId: string
  /** As `--env` takes it: a name in the environment, or `-` for standard input. */
  readonly clientSecret?: string
  readonly authorizationUrl?: string
  readonly tokenUrl?: string
  readonly revocationUrl?: string
  readonly issuer?: string
  readonly scope?: readonly string[]
  readonly parameter?: readonly string[]
  readonly authMethod?: 'client_secret_post' | 'client_secret_basic' | 'none'
}

/** Services where accounts can be connected. */
export async function listProviders(context: CommandContext): Promise<void> {
  const { output } = context
  const { items } = await context.call('listAccountProviders', {})
  output.result(items, () =>
    formatTable(
      output,
      ['NAME', 'CLIENT ID', 'TOKENS FROM', 'SCOPES', 'ACCOUNTS'],
      items.map((provider) =>
        [
          provider.name,
          provider.clientId,
          new URL(provider.tokenUrl).host,
          provider.scopes.join(' '),
          String(provider.accounts),
        ].map(cleanLine),
      ),
    ),
  )
}

/** Adds a service, or changes the one of this name; says which redirect address it must be told. */
export async function addProvider(
  context: CommandContext,
  name: string,
  options: AddProviderOptions,
): Promise<void> {
  const { host, output, signal } = context
  const { clientSecret: from, scope, parameter } = options
  const flag = from === '-' ? 'CLIENT_SECRET=-' : from
  const given = await readVariables(flag === undefined ? [] : [flag], undefined, host, output, signal)
  const [secret] = Object.values(given)
  const body: RouteInput<'putAccountProvider'>['body'] = {
    name,
    clientId: options.clientId,
    ...(secret === undefined ? {} : { clientSecret: secret }),
    ...(options.preset === undefined ? {} : { preset: options.preset }),
    ...(options.authorizationUrl === undefined ? {} : { authorizationUrl: options.authorizationUrl }),
    ...(options.tokenUrl === undefined ? {} : { tokenUrl: options.tokenUrl }),
    ...(options.revocationUrl === undefined ? {} : { revocationUrl: options.revocationUrl }),
    ...(options.issuer === undefined ? {} : { issuer: options.issuer }),
    ...(scope === undefined ? {} : { scopes: [...scope] }),
    ...(parameter === undefined
      ? {}
      : { parameters: await readVariables(parameter, undefined, host, output, signal) }),
    ...(options.authMethod === undefined ? {} : { authMethod: options.authMethod }),
  }
  const provider = await context.call('putAccountProvider', { body })
  output.result(provider, () =>
    [`${provider.name} is there.`, `Register this redirect address with it: ${provider.redirectUri}`]
      .map(cleanLine)
      .join('\n'),
  )
}

export async function removeProvider(context: CommandContext, provider: string): Promise<void> {
  await context.call('deleteAccountProvider', { params: { provider } })
  context.output.result({ provider, deleted: true }, () => `${cleanLine(provider)} is deleted.`)
}

/** Accounts that a deployment works with. */
export async function listAccounts(context: CommandContext, id: string): Promise<void> {
  const { output } = context
  const { items } = await context.call('listAccounts', { params: { id } })
  const now = new Date()
  output.result(items, () =>
    formatTable(
      output,
      ['CREDENTIAL', 'SERVICE', 'WHOSE', 'STATE', 'CONNECTED', 'PROBLEM'],
      items.map((account) =>
        [
          account.name,
          account.provider.name,
          account.own ? 'yours' : "everybody's",
          account.state,
          account.connectedAt === null ? '-' : `${formatAge(account.connectedAt, now)} ago`,
          account.problem ?? '-',
        ].map(cleanLine),
      ),
    ),
  )
  if (items.some(({ state }) => state === 'missing' || state === 'broken'))
    output.note('Accounts are connected in the browser, in the room of the deployment.')
}

export async function forgetAccount(context: CommandContext, id: string, name: string): Promise<void> {
  await context.call('disconnectAccount', { params: { id, name } })
  context.output.result({ name, disconnected: true }, () => `${cleanLine(name)} has no account any more.`)
}
