import { hashPassword } from 'better-auth/crypto'
import { sql, type Kysely, type Transaction } from 'kysely'
import { queries, type DB, type Handle } from '../db/index.ts'
import { CatwalkError, newId, quoted, type Actor, type Role } from '../domain/index.ts'
import { insertAccount, insertWorkspace } from './insert-account.ts'
import { hashLinkToken, newLinkToken } from './link-tokens.ts'
import { alone, requireRank } from './members.ts'

export interface Invitation {
  readonly id: string
  readonly role: Role
  /** Null when whoever has the link may use it. */
  readonly email: string | null
  readonly createdAt: Date
  readonly expiresAt: Date
}

export interface PersonInput {
  readonly name: string
  readonly email: string
  readonly password: string
}

const COLUMNS = ['id', 'role', 'email', 'created_at', 'expires_at'] as const

/** Invitations to the workspace that can still be used, newest first. */
export async function listInvitations(db: Handle, workspaceId: string): Promise<readonly Invitation[]> {
  const rows = await db
    .selectFrom('invitations')
    .select(COLUMNS)
    .where('workspace_id', '=', workspaceId)
    .where('expires_at', '>', sql<Date>`now()`)
    .orderBy('id', 'desc')
    .execute()
  return rows.map(({ id, role, email, created_at: createdAt, expires_at: expiresAt }) => ({
    id,
    role,
    email,
    createdAt,
    expiresAt,
  }))
}

/**
 * Invites somebody. The token is in the answer and nowhere else; it works once.
 * @throws CatwalkError `forbidden` for a role above one's own
 */
export async function createInvitation(
  database: Kysely<DB>,
  actor: Actor,
  input: { readonly role: Role; readonly email: string | null; readonly expiresInDays: number },
): Promise<Invitation & { readonly token: string }> {
  const { token, hash } = newLinkToken()
  return alone(database, actor, async (tx, own) => {
    requireRank(own, 'admin')
    requireRank(own, input.role)
    const id = newId('invitation')
    const row = await tx
      .insertInto('invitations')
      .values({
        id,
        workspace_id: actor.workspaceId,
        role: input.role,
        email: input.email?.toLowerCase() ?? null,
        hash,
        created_by: actor.id,
        expires_at: sql<Date>`now() + make_interval(days => ${input.expiresInDays})`,
      })
      .returning(COLUMNS)
      .executeTakeFirstOrThrow()
    await queries.recordAudit(tx, {
      actor,
      action: 'invitation.create',
      target: id,
      detail: { role: input.role, ...(row.email === null ? {} : { email: row.email }) },
    })
    const { role, email, created_at: createdAt, expires_at: expiresAt } = row
    return { id, role, email, createdAt, expiresAt, token }
  })
}

/** @throws CatwalkError `invitation_not_found` */
export async function revokeInvitation(database: Kysely<DB>, actor: Actor, id: string): Promise<null> {
  return database.transaction().execute(async (tx) => {
    const row = await tx
      .deleteFrom('invitations')
      .where('workspace_id', '=', actor.workspaceId)
      .where('id', '=', id)
      .returning('id')
      .executeTakeFirst()
    if (row === undefined) {
      throw new CatwalkError('invitation_not_found', `There is no invitation ${quoted(id)}.`)
    }
    await queries.recordAudit(tx, { actor, action: 'invitation.revoke', target: id })
    return null
  })
}

/** What an invitation is for, shown to whoever has its link. @throws CatwalkError `invitation_invalid` */
export async function lookAtInvitation(
  db: Handle,
  token: string,
): Promise<{ readonly workspace: string; readonly role: Role; readonly email: string | null }> {
  const row = await db
    .selectFrom('invitations')
    .innerJoin('workspaces', 'workspaces.id', 'invitations.workspace_id')
    .select(['workspaces.name', 'invitations.role', 'invitations.email'])
    .where('hash', '=', hashLinkToken(token))
    .where('expires_at', '>', sql<Date>`now()`)
    .executeTakeFirst()
  if (row === undefined) throw invalid()
  return { workspace: row.name, role: row.role, email: row.email }
}

/**
 * Brings somebody who has an account into the workspace. Returns its id.
 * @throws CatwalkError `invitation_invalid`, `forbidden` for an API key
 */
export async function acceptInvitation(
  database: Kysely<DB>,
  actor: Actor,
  token: string,
): Promise<{ readonly workspaceId: string }> {
  if (actor.kind !== 'user') throw new CatwalkError('forbidden', 'An API key cannot join a workspace.')
  return database.transaction().execute(async (tx) => join(tx, token, actor))
}

/**
 * Makes an account with a workspace of its own, and brings it into the one that it was invited to: all or nothing.
 * @throws CatwalkError `invitation_invalid`, `email_taken`
 */
export async function joinByInvitation(
  database: Kysely<DB>,
  token: string,
  input: PersonInput,
  address: string | null,
): Promise<void> {
  // Before the costly hash, which would else be a way to keep the machine busy.
  await lookAtInvitation(database, token)
  const passwordHash = await hashPassword(input.password)
  await database.transaction().execute(async (tx) => {
    const actor = await newPerson(tx, { ...input, passwordHash }, address)
    await join(tx, token, actor)
  })
}

/** Makes an account with a workspace of its own. @throws CatwalkError `email_taken` */
export async function signUp(
  database: Kysely<DB>,
  input: PersonInput,
  address: string | null,
): Promise<void> {
  const passwordHash = await hashPassword(input.password)
  await database.transaction().execute((tx) => newPerson(tx, { ...input, passwordHash }, address))
}

async function newPerson(
  tx: Transaction<DB>,
  input: { readonly name: string; readonly email: string; readonly passwordHash: string },
  address: string | null,
): Promise<Actor> {
  const { id, email } = await insertAccount(tx, input)
  const workspaceId = await insertWorkspace(tx, { name: input.name, personal: true, ownerId: id })
  const actor: Actor = { kind: 'user', id, label: email, workspaceId, role: 'owner', address }
  await queries.recordAudit(tx, { actor, action: 'account.create', target: id })
  return actor
}

/** Uses the invitation up. */
async function join(
  tx: Transaction<DB>,
  token: string,
  actor: Actor,
): Promise<{ readonly workspaceId: string }> {
  return acceptFor(tx, hashLinkToken(token), actor)
}

/** The hash of an invitation that lets this address in: that of the token, else one that is for the address itself. */
export async function openInvitationFor(
  db: Handle,
  email: string,
  token: string | null,
): Promise<Buffer | null> {
  let query = db
    .selectFrom('invitations')
    .select('hash')
    .where('expires_at', '>', sql<Date>`now()`)
    .orderBy('created_at')
  query =
    token === null
      ? query.where('email', '=', email.toLowerCase())
      : query
          .where('hash', '=', hashLinkToken(token))
          .where((where) => where.or([where('email', 'is', null), where('email', '=', email.toLowerCase())]))
  return (await query.executeTakeFirst())?.hash ?? null
}

/** Uses an invitation up, by its hash. @throws CatwalkError `invitation_invalid` */
export async function acceptFor(
  tx: Transaction<DB>,
  hash: Buffer,
  actor: Actor,
): Promise<{ readonly workspaceId: string }> {
  const invitation = await tx
    .deleteFrom('invitations')
    .where('hash', '=', hash)
    .where('expires_at', '>', sql<Date>`now()`)
    .where((where) => where.or([where('email', 'is', null), where('email', '=', actor.label)]))
    .returning(['id', 'workspace_id', 'role'])
    .executeTakeFirst()
  if (invitation === undefined) throw invalid()
  const { workspace_id: workspaceId, role } = invitation
  await tx
    .insertInto('members')
    .values({ workspace_id: workspaceId, user_id: actor.id, role })
    // Somebody who is in already keeps the role that they have.
    .onConflict((conflict) => conflict.columns(['workspace_id', 'user_id']).doNothing())
    .execute()
  await queries.recordAudit(tx, {
    actor: { ...actor, workspaceId, role },
    action: 'invitation.accept',
    target: invitation.id,
    detail: { role },
  })
  return { workspaceId }
}

function invalid(): CatwalkError {
  return new CatwalkError(
    'invitation_invalid',
    'This invitation was used, has expired, or is for another address.',
  )
}
