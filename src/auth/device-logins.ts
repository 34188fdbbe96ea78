import { randomInt } from 'node:crypto'
import { sql, type Kysely } from 'kysely'
import { queries, type DB, type Handle } from '../db/index.ts'
import { CatwalkError, newId, type Actor, type Role } from '../domain/index.ts'
import { insertApiKey } from './api-keys.ts'
import { hashLinkToken, newLinkToken } from './link-tokens.ts'
import { alone, membershipOf, requireRank } from './members.ts'

/** What a terminal gets that asks to be let in (RFC 8628, 3.2). */
export interface NewDeviceLogin {
  /** Kept by the terminal; stored as a hash. */
  readonly deviceCode: string
  /** Shown to the person, e.g. `BCDF-GHJK`. */
  readonly userCode: string
  /** Seconds to wait between two questions whether it is decided. */
  readonly intervalS: number
  readonly expiresAt: Date
}

/** What the person sees who decides. */
export interface DeviceLogin {
  readonly userCode: string
  readonly client: string
  readonly address: string | null
  readonly createdAt: Date
  readonly expiresAt: Date
}

export interface DeviceDecision {
  readonly approve: boolean
  readonly role: Role
  readonly expiresInDays: number | null
}

export type DeviceLoginState =
  | { readonly state: 'pending'; readonly intervalS: number }
  | { readonly state: 'denied' }
  | { readonly state: 'approved'; readonly key: string; readonly keyId: string }

// RFC 8628, 6.1: no vowels, so that no words come about, and nothing that looks like another letter.
const LETTERS = 'BCDFGHJKLMNPQRSTVWXZ'
const CODE_LENGTH = 8
const INTERVAL_S = 3
const LIFETIME = sql<Date>`now() + interval '10 minutes'`

/** Begins a login from a terminal; anybody may. */
export async function startDeviceLogin(
  db: Handle,
  client: string,
  address: string | null,
): Promise<NewDeviceLogin> {
  const { token, hash } = newLinkToken()
  const code = Array.from({ length: CODE_LENGTH }, () => LETTERS[randomInt(LETTERS.length)]).join('')
  await db
    .deleteFrom('device_logins')
    .where('expires_at', '<', sql<Date>`now()`)
    .execute()
  const { expires_at: expiresAt } = await db
    .insertInto('device_logins')
    .values({
      id: newId('deviceLogin'),
      hash,
      user_code: code,
      client,
      address,
      interval_s: INTERVAL_S,
      expires_at: LIFETIME,
    })
    .returning('expires_at')
    .executeTakeFirstOrThrow()
  return { deviceCode: token, userCode: inGroups(code), intervalS: INTERVAL_S, expiresAt }
}

/** A login that waits for a decision. @throws CatwalkError `device_login_invalid` */
export async function lookAtDeviceLogin(db: Handle, userCode: string): Promise<DeviceLogin> {
  const row = await db
    .selectFrom('device_logins')
    .select(['user_code', 'client', 'address', 'created_at', 'expires_at'])
    .where('user_code', '=', plain(userCode))
    .where('approved', 'is', null)
    .where('expires_at', '>', sql<Date>`now()`)
    .executeTakeFirst()
  if (row === undefined) throw invalid()
  return {
    userCode: inGroups(row.user_code),
    client: row.client,
    address: row.address,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  }
}

/**
 * Approves or denies a login. The terminal gets a key for the actor's workspace, made when it next asks.
 * @throws CatwalkError `device_login_invalid`, `forbidden` for an API key and for a role above one's own
 */
export async function decideDeviceLogin(
  database: Kysely<DB>,
  actor: Actor,
  userCode: string,
  { approve, role, expiresInDays }: DeviceDecision,
): Promise<null> {
  if (actor.kind !== 'user') {
    throw new CatwalkError('forbidden', 'An API key cannot let a terminal in.', {
      help: 'Sign in to the dashboard and approve it there, or make another key.',
    })
  }
  return alone(database, actor, async (tx, own) => {
    if (approve) requireRank(own, role)
    const row = await tx
      .updateTable('device_logins')
      .set({
        approved: approve,
        user_id: actor.id,
        workspace_id: actor.workspaceId,
        role,
        key_expires_in_days: expiresInDays,
      })
      .where('user_code', '=', plain(userCode))
      .where('approved', 'is', null)
      .where('expires_at', '>', sql<Date>`now()`)
      .returning(['id', 'client', 'address'])
      .executeTakeFirst()
    if (row === undefined) throw invalid()
    await queries.recordAudit(tx, {
      actor,
      action: approve ? 'device_login.approve' : 'device_login.deny',
      target: row.id,
      detail: { client: row.client, askedFrom: row.address, ...(approve ? { role } : {}) },
    })
    return null
  })
}

/**
 * What has become of a login. Once it is approved, the answer holds the key, this once.
 * @param address where the terminal asks from now
 * @throws CatwalkError `device_login_invalid` when it has expired or was answered already
 */
export async function collectDeviceLogin(
  database: Kysely<DB>,
  deviceCode: string,
  address: string | null,
): Promise<DeviceLoginState> {
  return database.transaction().execute(async (tx) => {
    const row = await tx
      .selectFrom('device_logins')
      .selectAll()
      // Half a second of grace: a timer that fires on time is not too fast.
      .select(
        sql<boolean>`coalesce(asked_at > now() - make_interval(secs => interval_s - 0.5), false)`.as('soon'),
      )
      .where('hash', '=', hashLinkToken(deviceCode))
      .where('expires_at', '>', sql<Date>`now()`)
      .forUpdate()
      .executeTakeFirst()
    if (row === undefined) throw invalid()
    if (row.approved === null) {
      // RFC 8628, 3.5: whoever asks too often waits five seconds longer from then on.
      const intervalS = row.soon ? row.interval_s + 5 : row.interval_s
      await tx
        .updateTable('device_logins')
        .set({ asked_at: sql<Date>`now()`, interval_s: intervalS })
        .where('id', '=', row.id)
        .execute()
      return { state: 'pending', intervalS }
    }
    await tx.deleteFrom('device_logins').where('id', '=', row.id).execute()
    const { user_id: userId, workspace_id: workspaceId, role } = row
    if (!row.approved || userId === null || workspaceId === null || role === null) return { state: 'denied' }
    // Who has left meanwhile lets nobody in; who was made less is held to that by the key itself.
    const member = await membershipOf(tx, userId, workspaceId)
    const user = await tx.selectFrom('users').select('email').where('id', '=', userId).executeTakeFirst()
    if (member === null || user === undefined) return { state: 'denied' }
    const { id, key } = await insertApiKey(tx, {
      workspaceId,
      name: row.client,
      role,
      createdBy: userId,
      expiresInDays: row.key_expires_in_days,
    })
    await queries.recordAudit(tx, {
      actor: { kind: 'user', id: userId, label: user.email, ...member, address },
      action: 'api_key.create',
      target: id,
      detail: { name: row.client, role, deviceLogin: row.id },
    })
    return { state: 'approved', key: key.reveal(), keyId: id }
  })
}

function plain(userCode: string): string {
  return userCode.toUpperCase().replaceAll(/[^A-Z]/g, '')
}

function inGroups(code: string): string {
  return `${code.slice(0, CODE_LENGTH / 2)}-${code.slice(CODE_LENGTH / 2)}`
}

function invalid(): CatwalkError {
  return new CatwalkError(
    'device_login_invalid',
    'There is no login with this code that waits, or no longer.',
  )
}
