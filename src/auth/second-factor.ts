import { sql, type Kysely } from 'kysely'
import { z } from 'zod'
import { queries, type DB } from '../db/index.ts'
import { CatwalkError, quoted, type Actor } from '../domain/index.ts'
import { ADDRESS_HEADER, twoFactorCookie, type Library } from './library.ts'
import { onlyCookie, cookieOf, readAnswer } from './ask-library.ts'
import { prove, requirePerson, type Proof } from './prove.ts'
import { recordRefusedSignInOf } from './record-sign-in.ts'
import type { SignInGuard } from './sign-in-guard.ts'
import { giveBackCode, takeCode } from './used-codes.ts'

export interface Enrolment {
  /** What an authenticator app reads as a QR code (`otpauth://totp/…`). */
  readonly uri: string
  /** The same secret to type in, Base32. */
  readonly secret: string
  /** Each works once, in place of a code. */
  readonly recoveryCodes: readonly string[]
}

export interface SecondFactor {
  /**
   * Makes a secret and recovery codes. Nothing is asked for at sign-in until {@link confirm}.
   * @throws CatwalkError `second_factor_exists` and what `prove` throws
   */
  start(actor: Actor, sessionId: string | null, headers: Headers, proof: Proof): Promise<Enrolment>
  /** Turns it on by a first code. Returns cookies: the session changes. @throws CatwalkError `wrong_code` */
  confirm(actor: Actor, sessionId: string | null, headers: Headers, code: string): Promise<readonly string[]>
  /** New recovery codes; the former ones die. */
  renew(actor: Actor, sessionId: string | null, headers: Headers, proof: Proof): Promise<readonly string[]>
  /** Turns it off. */
  remove(actor: Actor, sessionId: string | null, proof: Proof): Promise<null>
  /** Turns it off for somebody who has lost it, and ends their sessions. @throws CatwalkError `account_not_found` */
  reset(actor: Actor, email: string): Promise<null>
  /**
   * Ends a sign-in that waits for a code. Returns the cookies of the session.
   * @throws CatwalkError `wrong_code`, `rate_limited`
   */
  finish(headers: Headers, address: string | null, code: string): Promise<readonly string[]>
  stateOf(userId: string): Promise<{ readonly enabled: boolean; readonly recoveryCodesLeft: number }>
}

const Started = z.object({ totpURI: z.string(), backupCodes: z.array(z.string()) })
const Renewed = z.object({ backupCodes: z.array(z.string()) })

export function createSecondFactor(library: Library, database: Kysely<DB>, guard: SignInGuard): SecondFactor {
  const trust = { db: database, guard }

  async function turnOff(actor: Actor, userId: string, action: string): Promise<void> {
    await database.transaction().execute(async (tx) => {
      await tx.deleteFrom('two_factors').where('user_id', '=', userId).execute()
      await tx
        .updateTable('users')
        .set({ two_factor_enabled: false, updated_at: sql<Date>`now()` })
        .where('id', '=', userId)
        .execute()
      await queries.recordAudit(tx, { actor, action, target: userId })
    })
  }

  /**
   * Has a one-time code looked at unless it was used before.
   * @throws CatwalkError `wrong_code`
   */
  async function once(
    userId: string,
    code: string,
    look: () => Promise<Response>,
    onUsed: () => Promise<void> = async () => {},
  ): Promise<Response> {
    if (!(await takeCode(database, userId, code))) {
      await onUsed()
      throw new CatwalkError('wrong_code', 'This code was used already. Each works once.', {
        details: { field: 'code' },
        help: 'Wait until the app shows the next one, which takes half a minute at most.',
      })
    }
    const response = await look()
    if (!response.ok) await giveBackCode(database, userId, code)
    return response
  }

  return {
    async start(actor, sessionId, headers, proof) {
      await prove(trust, actor, sessionId, proof)
      const response = await library.api.enableTwoFactor({
        body: { method: 'totp', ...(proof.password === undefined ? {} : { password: proof.password }) },
        headers: cookieOf(headers),
        asResponse: true,
      })
      const { body } = await readAnswer(
        response,
        () => new CatwalkError('second_factor_exists', 'One-time codes are on already.'),
      )
      const { totpURI: uri, backupCodes: recoveryCodes } = Started.parse(body)
      return { uri, secret: new URL(uri).searchParams.get('secret') ?? '', recoveryCodes }
    },

    async confirm(actor, sessionId, headers, code) {
      requirePerson(actor, sessionId)
      const response = await once(actor.id, code, () =>
        library.api.verifyTOTP({ body: { code }, headers: cookieOf(headers), asResponse: true }),
      )
      const { cookies } = await readAnswer(response, wrongCode)
      await queries.recordAudit(database, { actor, action: 'second_factor.enable', target: actor.id })
      return cookies
    },

    async renew(actor, sessionId, headers, proof) {
      await prove(trust, actor, sessionId, proof)
      const response = await library.api.generateBackupCodes({
        body: proof.password === undefined ? {} : { password: proof.password },
        headers: cookieOf(headers),
        asResponse: true,
      })
      const { body } = await readAnswer(
        response,
        () => new CatwalkError('second_factor_missing', 'One-time codes are off.'),
      )
      await queries.recordAudit(database, { actor, action: 'second_factor.renew_codes', target: actor.id })
      return Renewed.parse(body).backupCodes
    },

    async remove(actor, sessionId, proof) {
      await prove(trust, actor, sessionId, proof)
      await turnOff(actor, actor.id, 'second_factor.disable')
      return null
    },

    async reset(actor, email) {
      const user = await database
        .selectFrom('users')
        .select('id')
        .where('email', '=', email.toLowerCase())
        .executeTakeFirst()
      if (user === undefined) {
        throw new CatwalkError('account_not_found', `There is no account with the address ${quoted(email)}.`)
      }
      await turnOff(actor, user.id, 'second_factor.reset')
      return null
    },

    async finish(headers, address, code) {
      const waiting = await twoFactorCookie(library)
      const cookie = onlyCookie(headers, waiting.name)
      if (cookie === null) throw noSignIn()
      const about = new Headers({ cookie, 'user-agent': (headers.get('user-agent') ?? '').slice(0, 300) })
      if (address !== null) about.set(ADDRESS_HEADER, address)
      const userId = await waiting.userOf(cookie)
      const isTotp = /^\d{6}$/.test(code)
      const request = { body: { code }, headers: about, asResponse: true } as const
      const refused = async () => {
        if (userId === null) return
        await recordRefusedSignInOf(database, userId, address, { by: isTotp ? 'code' : 'recovery_code' })
      }
      const response =
        isTotp && userId !== null
          ? await once(userId, code, () => library.api.verifyTOTP(request), refused)
          : await library.api.verifyBackupCode(request)
      if (response.status >= 400 && response.status < 500) await refused()
      const { cookies } = await readAnswer(response, userId === null ? noSignIn : wrongCode)
      return cookies
    },

    async stateOf(userId) {
      const row = await database
        .selectFrom('users')
        .leftJoin('two_factors', 'two_factors.user_id', 'users.id')
        .select(['two_factor_enabled', 'two_factors.id as factor'])
        .where('users.id', '=', userId)
        .executeTakeFirst()
      if (row?.two_factor_enabled !== true || row.factor === null) {
        return { enabled: false, recoveryCodesLeft: 0 }
      }
      const { backupCodes } = await library.api.viewBackupCodes({ body: { userId } })
      return { enabled: true, recoveryCodesLeft: backupCodes.length }
    },
  }
}

function wrongCode(): CatwalkError {
  return new CatwalkError('wrong_code', 'The code is not the current one.', { details: { field: 'code' } })
}

function noSignIn(): CatwalkError {
  return new CatwalkError('wrong_code', 'There is no sign-in that waits for a code, or no longer.', {
    help: 'Enter email and password again.',
  })
}
