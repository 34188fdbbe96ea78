import { CatwalkError, quoted } from '../../domain/index.ts'
import { cleanLine } from '../clean-text.ts'
import type { CommandContext, CommonOptions } from '../context.ts'
import { isApiError } from '../failure.ts'
import { formatAge, formatTable } from '../table.ts'
import type { Wish } from './quotas.ts'

export interface AddTokenOptions extends CommonOptions {
  readonly name: string
  /** Days. */
  readonly expires?: number
  readonly scope: 'read' | 'full'
  readonly callsPerMinute?: number
  readonly concurrentCalls?: number
}

export interface ChangeTokenOptions extends CommonOptions {
  readonly name?: string
  readonly callsPerMinute?: Wish
  readonly concurrentCalls?: Wish
}

export interface RotateTokenOptions extends CommonOptions {
  /** Hours. */
  readonly grace: number
}

export async function listTokens(context: CommandContext, id: string): Promise<void> {
  const { output } = context
  const { items } = await context.call('listTokens', { params: { id } })
  const now = new Date()
  const heading = ['ID', 'NAME', 'SCOPE', 'BEGINS WITH', 'AGE', 'LAST USED', 'EXPIRES', 'AT MOST']
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
          limitsOf(token),
        ].map(cleanLine),
      ),
    ),
  )
}

export async function addToken(context: CommandContext, id: string, options: AddTokenOptions): Promise<void> {
  // Before it is made: what fails afterwards would lose a secret that is shown once.
  const isForMaker = await worksForMaker(context, id)
  const token = await context.call('createToken', {
    params: { id },
    body: {
      name: options.name,
      scope: options.scope,
      expiresInDays: options.expires ?? null,
      callsPerMinute: options.callsPerMinute ?? null,
      concurrentCalls: options.concurrentCalls ?? null,
    },
  })
  if (isForMaker) context.output.note(YOURS)
  context.output.note('The token is shown this once:')
  context.output.result(token, () => cleanLine(token.secret))
}

/** Changes the token with this id or, where only one has it, this name. */
export async function changeToken(
  context: CommandContext,
  id: string,
  idOrName: string,
  { name, callsPerMinute, concurrentCalls }: ChangeTokenOptions,
): Promise<void> {
  const { id: tokenId } = await findToken(context, id, idOrName)
  const token = await context.call('changeToken', {
    params: { id, tokenId },
    body: {
      ...(name === undefined ? {} : { name }),
      ...(callsPerMinute === undefined ? {} : { callsPerMinute: numberOf(callsPerMinute) }),
      ...(concurrentCalls === undefined ? {} : { concurrentCalls: numberOf(concurrentCalls) }),
    },
  })
  context.output.result(token, () => cleanLine(`${token.name} may ${limitsOf(token)}.`))
}

function numberOf(wish: Wish): number | null {
  return wish === 'default' ? null : wish
}

function limitsOf({
  callsPerMinute,
  concurrentCalls,
}: {
  readonly callsPerMinute: number | null
  readonly concurrentCalls: number | null
}): string {
  const limits = [
    ...(callsPerMinute === null ? [] : [`${callsPerMinute} a minute`]),
    ...(concurrentCalls === null ? [] : [`${concurrentCalls} at once`]),
  ]
  return limits.length === 0 ? 'as every token' : limits.join(', ')
}

const YOURS =
  'Whoever holds it calls with your own credentials. Hand it to nobody: let others sign in, or make their own.'

/** Whether each member brings credentials of their own, so that a token stands for whoever made it. */
async function worksForMaker(context: CommandContext, id: string): Promise<boolean> {
  try {
    const { release } = await context.call('getDeployment', { params: { id } })
    return release.variables.some(({ personal }) => personal)
  } catch (error) {
    // Of a collection: its deployments may, or not.
    if (isApiError(error) && error.body.error === 'deployment_not_found') return false
    throw error
  }
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
  if (await worksForMaker(context, id)) context.output.note(YOURS)
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
