import { createHash, randomBytes } from 'node:crypto'
import { hashPassword } from 'better-auth/crypto'
import type { Kysely, Transaction } from 'kysely'
import { queries, type DB, type Handle } from '../db/index.ts'
import { CatwalkError, type Actor, type Clock } from '../domain/index.ts'
import { insertAccount } from './insert-account.ts'

export interface SetUpLink {
  /** Carries the token in its fragment, which browsers send nowhere. */
  readonly url: URL
  readonly expiresAt: Date
}

export interface OwnerInput {
  readonly token: string
  readonly name: string
  readonly email: string
  readonly password: string
}

export interface SetUpLinks {
  /** Whether the installation still has no owner. */
  needed(): Promise<boolean>
  /**
   * A link that makes the owner account; the former one dies. `actor` is who asked for it, null for the program.
   * @throws CatwalkError `setup_done` when there is an owner
   */
  issue(actor: Actor | null): Promise<SetUpLink>
  /**
   * Makes the owner account and uses the link up, both or neither. Returns the new owner.
   * @throws CatwalkError `setup_link_invalid`, `setup_done`
   */
  redeem(input: OwnerInput, address: string | null): Promise<Actor>
}

export interface SetUpLinkOptions {
  readonly database: Kysely<DB>
  readonly publicUrl: URL
  /** Of the workspace that the owner gets. */
  readonly workspaceId: string
  readonly clock: Clock
}

const SETTING = 'setup_link'
const LIFETIME_MS = 30 * 60_000

export function createSetUpLinks({ database, publicUrl, workspaceId, clock }: SetUpLinkOptions): SetUpLinks {
  async function needed(db: Handle = database): Promise<boolean> {
    const owner = await db
      .selectFrom('members')
      .select('user_id')
      .where('role', '=', 'owner')
      .executeTakeFirst()
    return owner === undefined
  }

  /** Links and owners change one at a time, over all replicas. */
  async function alone<T>(work: (tx: Transaction<DB>) => Promise<T>): Promise<T> {
    return database.transaction().execute(async (tx) => {
      await tx.selectFrom('workspaces').select('id').where('id', '=', workspaceId).forUpdate().execute()
      if (!(await needed(tx))) throw new CatwalkError('setup_done', 'There is an owner account already.')
      return work(tx)
    })
  }

  async function requireValid(db: Handle, token: string): Promise<void> {
    const link = readLink(await queries.readSetting(db, SETTING))
    if (link === null || link.hash !== hashToken(token)) {
      throw new CatwalkError('setup_link_invalid', 'This set-up link is not the current one.')
    }
    if (link.expiresAt <= clock.now().getTime()) {
      throw new CatwalkError('setup_link_invalid', 'This set-up link has expired.')
    }
  }

  return {
    needed: () => needed(),

    async issue(actor) {
      const token = randomBytes(32).toString('base64url')
      const expiresAt = new Date(clock.now().getTime() + LIFETIME_MS)
      const link = { hash: hashToken(token), expiresAt: expiresAt.toISOString() }
      await alone(async (tx) => {
        await queries.writeSetting(tx, SETTING, link)
        if (actor !== null)
          await queries.recordAudit(tx, { actor, action: 'setup_link.create', target: null })
      })
      return { url: new URL(`/setup#token=${token}`, publicUrl), expiresAt }
    },

    async redeem(input, address) {
      if (!(await needed())) throw new CatwalkError('setup_done', 'There is an owner account already.')
      // Before the costly hash, which would else be a way to keep the machine busy.
      await requireValid(database, input.token)
      const passwordHash = await hashPassword(input.password)
      return alone(async (tx) => {
        await requireValid(tx, input.token)
        const owner = await insertOwner(tx, { ...input, passwordHash, workspaceId, address })
        await tx.deleteFrom('settings').where('key', '=', SETTING).execute()
        await queries.recordAudit(tx, { actor: owner, action: 'owner.create', target: owner.id })
        return owner
      })
    },
  }
}

interface NewOwner {
  readonly name: string
  readonly email: string
  readonly passwordHash: string
  readonly workspaceId: string
  readonly address: string | null
}

async function insertOwner(tx: Transaction<DB>, input: NewOwner): Promise<Actor> {
  const { id, email } = await insertAccount(tx, { ...input, isInstallationAdmin: true })
  await tx
    .insertInto('members')
    .values({ workspace_id: input.workspaceId, user_id: id, role: 'owner' })
    .execute()
  return {
    kind: 'user',
    id,
    label: email,
    workspaceId: input.workspaceId,
    role: 'owner',
    isInstallationAdmin: true,
    address: input.address,
  }
}

/** A token has 256 random bits, so comparing hashes tells an attacker nothing by its timing. */
function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

function readLink(value: unknown): { hash: string; expiresAt: number } | null {
  if (typeof value !== 'object' || value === null || !('hash' in value) || !('expiresAt' in value))
    return null
  if (typeof value.hash !== 'string' || typeof value.expiresAt !== 'string') return null
  return { hash: value.hash, expiresAt: Date.parse(value.expiresAt) }
}
