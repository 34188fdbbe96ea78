import { CatwalkError, quoted } from '../../domain/index.ts'
import { cleanLine } from '../clean-text.ts'
import type { CommandContext, CommonOptions } from '../context.ts'
import { formatAge, formatTable } from '../table.ts'

export interface AddTokenOptions extends CommonOptions {
  readonly name: string
  /** Days. */
  readonly expires?: number
}

export async function listTokens(context: CommandContext, id: string): Promise<void> {
  const { output } = context
  const { items } = await context.call('listTokens', { params: { id } })
  const now = new Date()
  const heading = ['ID', 'NAME', 'BEGINS WITH', 'AGE', 'LAST USED', 'EXPIRES']
  output.result(items, () =>
    formatTable(
      output,
      heading,
      items.map((token) =>
        [
          token.id,
          token.name,
          token.prefix,
          formatAge(token.createdAt, now),
          token.lastUsedAt === null ? 'never' : `${formatAge(token.lastUsedAt, now)} ago`,
          token.expiresAt ?? 'never',
        ].map(cleanLine),
      ),
    ),
  )
}

export async function addToken(context: CommandContext, id: string, options: AddTokenOptions): Promise<void> {
  const token = await context.call('createToken', {
    params: { id },
    body: { name: options.name, expiresInDays: options.expires ?? null },
  })
  context.output.note('The token is shown this once:')
  context.output.result(token, () => cleanLine(token.secret))
}

/** Revokes the token with this id or, where only one has it, this name. */
export async function revokeToken(context: CommandContext, id: string, idOrName: string): Promise<void> {
  const { items } = await context.call('listTokens', { params: { id } })
  const matching = items.filter((token) => token.id === idOrName)
  const [token, other] = matching.length > 0 ? matching : items.filter(({ name }) => name === idOrName)
  if (token === undefined) {
    throw new CatwalkError('token_not_found', `There is no token ${quoted(idOrName)}.`, {
      help: `List what there is with: bin/catwalk token ls ${id}`,
    })
  }
  if (other !== undefined) {
    throw new CatwalkError('invalid_request', `Several tokens are named ${quoted(idOrName)}.`, {
      help: 'Give the id of the one to revoke.',
    })
  }
  await context.call('revokeToken', { params: { id, tokenId: token.id } })
  context.output.result({ id: token.id, revoked: true }, () => `${cleanLine(token.name)} is revoked.`)
}
