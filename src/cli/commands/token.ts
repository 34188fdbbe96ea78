import { CatwalkError, quoted } from '../../domain/index.ts'
import { cleanLine } from '../clean-text.ts'
import type { CommandContext, CommonOptions } from '../context.ts'
import { formatAge, formatTable } from '../table.ts'

export interface AddTokenOptions extends CommonOptions {
  readonly name: string
  /** Days. */
  readonly expires?: number
  readonly scope: 'read' | 'full'
}

export interface RotateTokenOptions extends CommonOptions {
  /** Hours. */
  readonly grace: number
}

export async function listTokens(context: CommandContext, id: string): Promise<void> {
  const { output } = context
  const { items } = await context.call('listTokens', { params: { id } })
  const now = new Date()
  const heading = ['ID', 'NAME', 'SCOPE', 'BEGINS WITH', 'AGE', 'LAST USED', 'EXPIRES']
  output.result(items, () =>
    formatTable(
      output,
      heading,
      items.map((token) =>
        [
          token.id,
          token.replacedBy === null ? token.name : `${token.name} (replaced)`,
          token.scope,
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
    body: { name: options.name, scope: options.scope, expiresInDays: options.expires ?? null },
  })
  context.output.note('The token is shown this once:')
  context.output.result(token, () => cleanLine(token.secret))
}

/** Replaces the token with this id or, where only one has it, this name. */
export async function rotateToken(
  context: CommandContext,
  id: string,
  idOrName: string,
  options: RotateTokenOptions,
): Promise<void> {
  const former = await findToken(context, id, idOrName)
  const token = await context.call('rotateToken', {
    params: { id, tokenId: former.id },
    body: { graceHours: options.grace },
  })
  context.output.note(
    options.grace === 0
      ? 'The old one is refused from now on. The new one is shown this once:'
      : `The old one works for ${options.grace} h more. The new one is shown this once:`,
  )
  context.output.result(token, () => cleanLine(token.secret))
}

/** Revokes the token with this id or, where only one has it, this name. */
export async function revokeToken(context: CommandContext, id: string, idOrName: string): Promise<void> {
  const token = await findToken(context, id, idOrName)
  await context.call('revokeToken', { params: { id, tokenId: token.id } })
  context.output.result({ id: token.id, revoked: true }, () => `${cleanLine(token.name)} is revoked.`)
}

async function findToken(
  context: CommandContext,
  id: string,
  idOrName: string,
): Promise<{ readonly id: string; readonly name: string }> {
  const { items } = await context.call('listTokens', { params: { id } })
  const matching = items.filter((token) => token.id === idOrName)
  const named = items.filter(({ name, replacedBy }) => name === idOrName && replacedBy === null)
  const [token, other] = matching.length > 0 ? matching : named
  if (token === undefined) {
    throw new CatwalkError('token_not_found', `There is no token ${quoted(idOrName)}.`, {
      help: `List what there is with: bin/catwalk token ls ${id}`,
    })
  }
  if (other !== undefined) {
    throw new CatwalkError('invalid_request', `Several tokens are named ${quoted(idOrName)}.`, {
      help: 'Give the id of the one that is meant.',
    })
  }
  return token
}
