import { sql, type Kysely } from 'kysely'
import { queries, type DB } from '../db/index.ts'
import { CatwalkError, type Actor, type Clock, type Mailer } from '../domain/index.ts'
import { invitationMail, passwordResetMail, verificationMail } from './letters.ts'
import { hashLinkToken, newLinkToken } from './link-tokens.ts'
import { membershipOf } from './members.ts'
import { issuePasswordReset } from './passwords.ts'
import { createRateLimiter } from './rate-limit.ts'

export interface MailLinks {
  /** Whether there is a mail server. */
  readonly works: boolean
  /** Sends a link for a new password, if there is such an account. Tells nothing about that. */
  requestPasswordReset(email: string, address: string | null): Promise<null>
  /** Sends a link that confirms the actor's address. @throws CatwalkError `mail_not_set_up`, `rate_limited` */
  sendVerification(actor: Actor): Promise<null>
  /** The same for a new account, where there is mail. */
  confirmSoon(userId: string, address: string | null): Promise<void>
  /** Confirms an address by such a link. @throws CatwalkError `verification_link_invalid` */
  verify(token: string, address: string | null): Promise<null>
  /** Sends an invitation to whom it is for. Returns whether it is on its way. */
  sendInvitation(actor: Actor, email: string | null, token: string, role: string): Promise<boolean>
}

export interface MailLinkOptions {
  readonly database: Kysely<DB>
  readonly publicUrl: URL
  readonly mailer: Mailer | null
  readonly clock: Clock
}

/** Mails to one address: nobody fills a stranger's mailbox through us. */
const MAILS = { max: 3, windowMs: 15 * 60_000 }
const LIFETIME = sql<Date>`now() + interval '1 day'`

export function createMailLinks({ database, publicUrl, mailer, clock }: MailLinkOptions): MailLinks {
  const limiter = createRateLimiter(clock)
  const link = (path: string, token: string) => new URL(`${path}#token=${token}`, publicUrl)
  const waitMs = (email: string) => limiter.take(email.toLowerCase(), MAILS)

  async function sendVerification(actor: Actor, sender: Mailer): Promise<void> {
    const { token, hash } = newLinkToken()
    const value = `verification ${actor.id} ${actor.label}`
    await database.transaction().execute(async (tx) => {
      await tx.deleteFrom('verifications').where('value', '=', value).execute()
      await tx
        .insertInto('verifications')
        .values({
          id: hash.toString('hex'),
          identifier: `verification:${hash.toString('hex')}`,
          value,
          expires_at: LIFETIME,
        })
        .execute()
      await queries.recordAudit(tx, { actor, action: 'email_verification.create', target: actor.id })
    })
    sender.sendSoon(verificationMail(actor.label, link('/verify-email', token)))
  }

  return {
    works: mailer !== null,

    async requestPasswordReset(email, address) {
      if (mailer === null) throw noMail()
      // Counted for addresses without an account as well.
      if (waitMs(email) > 0) return null
      const user = await database
        .selectFrom('users')
        .select(['id', 'email'])
        .where('email', '=', email.toLowerCase())
        .executeTakeFirst()
      const member = user === undefined ? null : await membershipOf(database, user.id)
      if (user === undefined || member === null) return null
      const actor: Actor = { kind: 'user', id: user.id, label: user.email, ...member, address }
      const { token } = await issuePasswordReset(database, actor, user.email)
      mailer.sendSoon(passwordResetMail(user.email, link('/reset-password', token)))
      return null
    },

    async sendVerification(actor) {
      if (mailer === null) throw noMail()
      if (actor.kind !== 'user') throw new CatwalkError('forbidden', 'An API key has no address.')
      const wait = waitMs(actor.label)
      if (wait > 0) {
        const retryAfterS = Math.ceil(wait / 1000)
        throw new CatwalkError(
          'rate_limited',
          `Several mails are on their way. Try again in ${retryAfterS} s.`,
          {
            details: { retryAfterS },
          },
        )
      }
      await sendVerification(actor, mailer)
      return null
    },

    async confirmSoon(userId, address) {
      if (mailer === null) return
      const user = await database
        .selectFrom('users')
        .select('email')
        .where('id', '=', userId)
        .where('email_verified', '=', false)
        .executeTakeFirst()
      const member = user === undefined ? null : await membershipOf(database, userId)
      if (user === undefined || member === null || waitMs(user.email) > 0) return
      await sendVerification({ kind: 'user', id: userId, label: user.email, ...member, address }, mailer)
    },

    async verify(token, address) {
      return database.transaction().execute(async (tx) => {
        const row = await tx
          .deleteFrom('verifications')
          .where('id', '=', hashLinkToken(token).toString('hex'))
          .where('value', 'like', 'verification %')
          .where('expires_at', '>', sql<Date>`now()`)
          .returning('value')
          .executeTakeFirst()
        const [, userId, email] = row?.value.split(' ') ?? []
        const user =
          userId === undefined || email === undefined
            ? undefined
            : await tx
                .updateTable('users')
                .set({ email_verified: true, updated_at: sql<Date>`now()` })
                .where('id', '=', userId)
                // Only the address that the link was sent to.
                .where('email', '=', email)
                .returning(['id', 'email'])
                .executeTakeFirst()
        if (user === undefined) {
          throw new CatwalkError('verification_link_invalid', 'This link was used or has expired.')
        }
        const member = await membershipOf(tx, user.id)
        if (member !== null) {
          const actor: Actor = { kind: 'user', id: user.id, label: user.email, ...member, address }
          await queries.recordAudit(tx, { actor, action: 'email_verification.redeem', target: user.id })
        }
        return null
      })
    },

    async sendInvitation(actor, email, token, role) {
      if (mailer === null || email === null || waitMs(email) > 0) return false
      const workspace = await database
        .selectFrom('workspaces')
        .select('name')
        .where('id', '=', actor.workspaceId)
        .executeTakeFirst()
      const about = { workspace: workspace?.name ?? '', by: actor.label, role }
      mailer.sendSoon(invitationMail(email, link('/join', token), about))
      return true
    },
  }
}

function noMail(): CatwalkError {
  return new CatwalkError('mail_not_set_up', 'This Catwalk sends no mail.')
}
