import type { RouteInput, RouteOutput } from '../../contract/index.ts'
import { CatwalkError, quoted } from '../../domain/index.ts'
import { cleanLine } from '../clean-text.ts'
import type { CommandContext, CommonOptions } from '../context.ts'
import { formatAge, formatTable } from '../table.ts'

type Role = RouteOutput<'listMembers'>['items'][number]['role']
type Scopes = RouteInput<'createApiKey'>['body']['scopes']

export interface RoleOptions extends CommonOptions {
  readonly role: Role
}

export interface InviteOptions extends RoleOptions {
  readonly email?: string
  /** Days. */
  readonly expires: number
}

export interface AddKeyOptions extends RoleOptions {
  readonly scope?: readonly string[]
  readonly name: string
  /** Days. */
  readonly expires?: number
}

export async function listWorkspaces(context: CommandContext): Promise<void> {
  const { items } = await context.call('listWorkspaces', {})
  table(context, items, ['ID', 'NAME', 'ROLE', 'MEMBERS'], (item) => [
    item.id,
    item.name,
    item.role,
    String(item.members),
  ])
}

export async function listMembers(context: CommandContext): Promise<void> {
  const { items } = await context.call('listMembers', {})
  showMembers(context, items)
}

export async function changeRole(context: CommandContext, who: string, role: string): Promise<void> {
  const { userId } = await findMember(context, who)
  // The server knows which roles there are, and says so.
  const { items } = await context.call('changeRole', { params: { userId }, body: { role: role as Role } })
  showMembers(context, items)
}

export async function removeMember(context: CommandContext, who: string): Promise<void> {
  const member = await findMember(context, who)
  await context.call('removeMember', { params: { userId: member.userId } })
  context.output.result(
    { userId: member.userId, removed: true },
    () => `${cleanLine(member.email)} is removed.`,
  )
}

export async function listInvitations(context: CommandContext): Promise<void> {
  const { items } = await context.call('listInvitations', {})
  table(context, items, ['ID', 'FOR', 'ROLE', 'EXPIRES'], (item) => [
    item.id,
    item.email ?? 'whoever has the link',
    item.role,
    item.expiresAt,
  ])
}

export async function addInvitation(context: CommandContext, options: InviteOptions): Promise<void> {
  const invitation = await context.call('createInvitation', {
    body: { role: options.role, email: options.email ?? null, expiresInDays: options.expires },
  })
  if (invitation.mailed) context.output.note('The link is on its way by mail as well.')
  context.output.note('Pass this link on. It works once and is shown this once:')
  context.output.result(invitation, () => cleanLine(invitation.url))
}

export async function revokeInvitation(context: CommandContext, id: string): Promise<void> {
  await context.call('revokeInvitation', { params: { id } })
  context.output.result({ id, revoked: true }, () => 'The invitation is taken back.')
}

export async function listKeys(context: CommandContext): Promise<void> {
  const { items } = await context.call('listApiKeys', {})
  const now = new Date()
  table(context, items, ['ID', 'NAME', 'ROLE', 'SCOPES', 'BEGINS WITH', 'LAST USED', 'EXPIRES'], (item) => [
    item.id,
    item.name,
    item.role,
    item.scopes === null ? 'all' : item.scopes.join(' '),
    item.prefix,
    item.lastUsedAt === null ? 'never' : `${formatAge(item.lastUsedAt, now)} ago`,
    item.expiresAt ?? 'never',
  ])
}

export async function addKey(context: CommandContext, options: AddKeyOptions): Promise<void> {
  const made = await context.call('createApiKey', {
    body: {
      name: options.name,
      role: options.role,
      // The server knows which scopes there are, and says so.
      scopes: (options.scope as Scopes) ?? null,
      expiresInDays: options.expires ?? null,
    },
  })
  context.output.note('The key is shown this once:')
  context.output.result(made, () => cleanLine(made.key))
}

export async function revokeKey(context: CommandContext, id: string): Promise<void> {
  await context.call('revokeApiKey', { params: { id } })
  context.output.result({ id, revoked: true }, () => 'The key is revoked.')
}

export async function resetPassword(context: CommandContext, email: string): Promise<void> {
  const link = await context.call('createPasswordReset', { body: { email } })
  context.output.note('Pass this link on. It works once, for 30 minutes:')
  context.output.result(link, () => cleanLine(link.url))
}

export async function resetSecondFactor(context: CommandContext, email: string): Promise<void> {
  await context.call('resetSecondFactor', { body: { email } })
  context.output.result(
    { email, secondFactor: false },
    () => `${cleanLine(email)} signs in without a code now.`,
  )
}

type Member = RouteOutput<'listMembers'>['items'][number]

async function findMember(context: CommandContext, who: string): Promise<Member> {
  const { items } = await context.call('listMembers', {})
  const found = items.find(({ userId, email }) => userId === who || email === who.toLowerCase())
  if (found === undefined) {
    throw new CatwalkError('member_not_found', `The workspace has no member ${quoted(who)}.`)
  }
  return found
}

function showMembers(context: CommandContext, items: readonly Member[]): void {
  table(context, items, ['ID', 'NAME', 'EMAIL', 'ROLE'], (item) => [
    item.userId,
    item.name,
    item.email,
    item.role,
  ])
}

function table<T>(
  { output }: CommandContext,
  items: readonly T[],
  heading: readonly string[],
  cells: (item: T) => readonly string[],
): void {
  output.result(items, () =>
    items.length === 0
      ? ''
      : formatTable(
          output,
          heading,
          items.map((item) => cells(item).map(cleanLine)),
        ),
  )
}
