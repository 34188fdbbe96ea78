import { APIError, getOAuthState } from 'better-auth/api'
import type { Kysely } from 'kysely'
import { queries, type DB, type Handle } from '../db/index.ts'
import { CatwalkError, type Actor } from '../domain/index.ts'
import { insertWorkspace } from './insert-account.ts'
import { acceptFor, openInvitationFor } from './invitations.ts'
import { membershipOf } from './members.ts'

export type SignUpMode = 'open' | 'invitation' | 'closed'

/**
 * Decides whether a provider may bring somebody new: anybody, whoever has an invitation (its link was opened before, or
 * it is for this very address), or nobody. The address is one that the provider has verified.
 * @throws APIError `sign_up_closed`, which the browser is sent back with
 */
export async function admitNewcomer(db: Handle, mode: SignUpMode, email: string): Promise<void> {
  if (mode === 'open') return
  if (mode === 'invitation' && (await openInvitationFor(db, email, await invitationToken())) !== null) return
  throw new APIError('FORBIDDEN', { code: 'sign_up_closed', message: 'No account is made for this address.' })
}

/** Brings somebody new into the workspace that they were invited to. */
export async function welcomeNewcomer(
  database: Kysely<DB>,
  user: { readonly id: string; readonly email: string; readonly name: string },
  address: string | null,
): Promise<void> {
  const invitation = await openInvitationFor(database, user.email, await invitationToken())
  const actor = await giveHome(database, user, address)
  if (invitation === null || actor === null) return
  try {
    await database.transaction().execute((tx) => acceptFor(tx, invitation, actor))
  } catch (error) {
    // Used by somebody else in the meantime: the account is there all the same.
    if (!(error instanceof CatwalkError)) throw error
  }
}

/** A workspace of one's own, for whoever has none: made once, whatever happened in between. */
async function giveHome(
  database: Kysely<DB>,
  user: { readonly id: string; readonly email: string; readonly name: string },
  address: string | null,
): Promise<Actor | null> {
  return database.transaction().execute(async (tx) => {
    await tx.selectFrom('users').select('id').where('id', '=', user.id).forUpdate().execute()
    if ((await membershipOf(tx, user.id)) !== null) return null
    const name = user.name.trim().slice(0, 80) || user.email.slice(0, 80)
    const workspaceId = await insertWorkspace(tx, { name, personal: true, ownerId: user.id })
    const actor: Actor = { kind: 'user', id: user.id, label: user.email, workspaceId, role: 'owner', address }
    await queries.recordAudit(tx, { actor, action: 'account.create', target: user.id })
    return actor
  })
}

/** From the link that was opened before; the browser keeps it within what it signs in with. */
async function invitationToken(): Promise<string | null> {
  const state: unknown = await getOAuthState()
  if (typeof state !== 'object' || state === null || !('invitation' in state)) return null
  return typeof state.invitation === 'string' ? state.invitation : null
}
