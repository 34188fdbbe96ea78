import { CatwalkError, quoted } from '../../domain/index.ts'
import { cleanLine } from '../clean-text.ts'
import type { CommandContext, CommonOptions } from '../context.ts'
import { formatAge, formatTable } from '../table.ts'

export interface AddClientOptions extends CommonOptions {
  readonly name: string
  readonly redirect: readonly string[]
  /** False for `--no-secret`. */
  readonly secret: boolean
}

/** What people allowed clients: at one endpoint, or all that the one who asks allowed. */
export async function listConnections(context: CommandContext, id: string): Promise<void> {
  const { output } = context
  const { items } = await context.call('listConnections', { params: { id } })
  const now = new Date()
  output.result(items, () =>
    formatTable(
      output,
      ['ID', 'CLIENT', 'WHO', 'MAY', 'AGE', 'LAST USED'],
      items.map((connection) =>
        [
          connection.id,
          connection.client.name,
          connection.user.email,
          connection.callsTools ? 'call tools' : 'read',
          formatAge(connection.createdAt, now),
          connection.lastUsedAt === null ? 'never' : `${formatAge(connection.lastUsedAt, now)} ago`,
        ].map(cleanLine),
      ),
    ),
  )
}

export async function revokeConnection(
  context: CommandContext,
  id: string,
  connectionId: string,
): Promise<void> {
  await context.call('revokeConnection', { params: { id, connectionId } })
  context.output.result(
    { id: connectionId, revoked: true },
    () => `${cleanLine(connectionId)} is disconnected.`,
  )
}

export async function listClients(context: CommandContext, id: string): Promise<void> {
  const { output } = context
  const { items } = await context.call('listOAuthClients', { params: { id } })
  output.result(items, () =>
    formatTable(
      output,
      ['ID', 'NAME', 'SECRET', 'REDIRECTS'],
      items.map((client) =>
        [client.id, client.name, client.hasSecret ? 'yes' : 'no', client.redirectUris.join(' ')].map(
          cleanLine,
        ),
      ),
    ),
  )
}

/** Makes a client id, and prints it with its secret. */
export async function addClient(
  context: CommandContext,
  id: string,
  { name, redirect, secret }: AddClientOptions,
): Promise<void> {
  const client = await context.call('createOAuthClient', {
    params: { id },
    body: { name, redirectUris: [...redirect], secret },
  })
  if (client.secret !== null) context.output.note('The secret is shown this once:')
  context.output.result(client, () =>
    [`Client ID      ${client.id}`, ...(client.secret === null ? [] : [`Client secret  ${client.secret}`])]
      .map(cleanLine)
      .join('\n'),
  )
}

/** Deletes the client with this id or, where only one has it, this name. */
export async function removeClient(context: CommandContext, id: string, idOrName: string): Promise<void> {
  const { items } = await context.call('listOAuthClients', { params: { id } })
  const matching = items.filter((client) => client.id === idOrName || client.name === idOrName)
  const [client, other] = matching
  if (client === undefined) {
    throw new CatwalkError('oauth_client_not_found', `There is no client ${quoted(idOrName)}.`, {
      help: `List what there is with: bin/catwalk client ls ${id}`,
    })
  }
  if (other !== undefined) {
    throw new CatwalkError('invalid_request', `Several clients are named ${quoted(idOrName)}.`, {
      help: 'Give the id of the one that is meant.',
    })
  }
  await context.call('deleteOAuthClient', { params: { id, clientId: client.id } })
  context.output.result({ id: client.id, deleted: true }, () => `${cleanLine(client.name)} is deleted.`)
}
