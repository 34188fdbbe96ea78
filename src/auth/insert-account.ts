import { randomUUID } from 'node:crypto'
import type { Transaction } from 'kysely'
import type { DB } from '../db/index.ts'
import { CatwalkError, newId } from '../domain/index.ts'

export interface NewAccount {
  readonly name: string
  readonly email: string
  /** As the accounts library makes it. */
  readonly passwordHash: string
  readonly isInstallationAdmin?: boolean
}

/**
 * Rows as the accounts library writes them at sign-up; it cannot do so inside a transaction of ours.
 * @returns id and address of the new account
 * @throws CatwalkError `email_taken`
 */
export async function insertAccount(
  tx: Transaction<DB>,
  input: NewAccount,
): Promise<{ readonly id: string; readonly email: string }> {
  const id = newId('user')
  const email = input.email.toLowerCase()
  const inserted = await tx
    .insertInto('users')
    .values({
      id,
      name: input.name,
      email,
      is_installation_admin: input.isInstallationAdmin ?? false,
    })
    .onConflict((conflict) => conflict.column('email').doNothing())
    .returning('id')
    .executeTakeFirst()
  if (inserted === undefined) {
    throw new CatwalkError('email_taken', 'There is an account with this email address already.')
  }
  await tx
    .insertInto('accounts')
    .values({
      id: randomUUID(),
      user_id: id,
      provider_id: 'credential',
      account_id: id,
      password: input.passwordHash,
    })
    .execute()
  return { id, email }
}

/** A workspace of somebody's own. @returns its id */
export async function insertWorkspace(
  tx: Transaction<DB>,
  input: { readonly name: string; readonly personal: boolean; readonly ownerId: string },
): Promise<string> {
  const id = newId('workspace')
  await tx.insertInto('workspaces').values({ id, name: input.name, personal: input.personal }).execute()
  await tx.insertInto('members').values({ workspace_id: id, user_id: input.ownerId, role: 'owner' }).execute()
  return id
}
