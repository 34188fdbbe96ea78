import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAuth, people, type Auth } from '../../src/auth/index.ts'
import { Secret, type Actor } from '../../src/domain/index.ts'
import { createMailer } from '../../src/mail/index.ts'
import { recordingLogger, type LogEntry } from '../api/support.ts'
import { startSmtpServer, type ReceivedMail, type SmtpServer } from '../fakes/smtp-server.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { silentLogger } from '../support/logger.ts'
import { until } from '../support/until.ts'
import { makeOwner, openAccounts, owner as person, PUBLIC_URL, type Accounts } from './support.ts'

let smtp: SmtpServer
let accounts: Accounts
let owner: Actor
let auth: Auth
const owned = new AsyncDisposableStack()

beforeAll(async () => {
  smtp = owned.use(await startSmtpServer())
  accounts = owned.use(await openAccounts())
  owner = await makeOwner(accounts)
  auth = authWith(smtp, [])
})
afterAll(() => owned.disposeAsync())

function authWith(server: SmtpServer, log: LogEntry[]): Auth {
  const mailer = owned.use(
    createMailer({
      smtpUrl: new Secret(server.url),
      from: 'Catwalk <catwalk@example.com>',
      logger: recordingLogger(log),
    }),
  )
  return createAuth({
    database: accounts.database.kysely,
    publicUrl: PUBLIC_URL,
    port: 7420,
    clock: accounts.clock,
    secret: new Secret('s'.repeat(32)),
    logger: silentLogger,
    mailer,
  })
}

/** The next mail, once it has come, and the token of its link. */
async function mailAfter(count: number): Promise<ReceivedMail & { text: string; token: string }> {
  const mail = await until('a mail comes', () => smtp.mails[count] ?? null)
  // Quoted-printable (RFC 2045, 6.7).
  const text = mail.data
    .replaceAll('=\n', '')
    .replaceAll(/=([\dA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return { ...mail, text, token: /#token=([\w-]+)/.exec(text)?.[1] ?? '' }
}

test('a forgotten password is set by a link that comes by mail, once', async () => {
  const count = smtp.mails.length
  await auth.mailLinks.requestPasswordReset('ADA@example.com', '192.0.2.1')
  const mail = await mailAfter(count)
  expect(mail).toMatchObject({ from: 'catwalk@example.com', to: ['ada@example.com'] })
  expect(mail.text).toContain(`${PUBLIC_URL.origin}/reset-password#token=`)
  const input = { token: mail.token, password: 'another long phrase' }
  await people.redeemPasswordReset(accounts.database.kysely, input, null)
  await auth.signIn({ email: person.email, password: input.password }, new Headers(), null)
  const again = people.redeemPasswordReset(accounts.database.kysely, input, null)
  expect(await catwalkErrorOf(again)).toMatchObject({ code: 'reset_link_invalid' })
})

test('for an address without an account nothing is sent, and the answer is the same', async () => {
  const count = smtp.mails.length
  expect(await auth.mailLinks.requestPasswordReset('nobody@example.com', null)).toBeNull()
  await auth.mailLinks.sendInvitation(owner, 'after@example.com', 'token', 'viewer')
  expect((await mailAfter(count)).to).toEqual(['after@example.com'])
})

test('nobody fills a stranger’s mailbox', async () => {
  accounts.clock.advance(3_600_000)
  const count = smtp.mails.length
  for (let n = 0; n < 10; n += 1) await auth.mailLinks.requestPasswordReset(person.email, null)
  await auth.mailLinks.sendInvitation(owner, 'last@example.com', 'token', 'viewer')
  await until('the last mail comes', () => smtp.mails.find(({ to }) => to[0] === 'last@example.com') ?? null)
  expect(smtp.mails.slice(count).filter(({ to }) => to[0] === 'ada@example.com')).toHaveLength(3)
})

test('an address is confirmed by its link, and by no other', async () => {
  accounts.clock.advance(3_600_000)
  const db = accounts.database.kysely
  const count = smtp.mails.length
  await auth.mailLinks.sendVerification(owner)
  const { token, text } = await mailAfter(count)
  expect(text).toContain('/verify-email#token=')
  expect(await people.isEmailVerified(db, owner.id)).toBe(false)
  expect(await catwalkErrorOf(auth.mailLinks.verify('wrong', null))).toMatchObject({
    code: 'verification_link_invalid',
  })
  const asReset = people.redeemPasswordReset(db, { token, password: 'yet another phrase' }, null)
  expect(await catwalkErrorOf(asReset)).toMatchObject({ code: 'reset_link_invalid' })
  await auth.mailLinks.sendVerification(owner)
  const second = await mailAfter(count + 1)
  await auth.mailLinks.verify(second.token, null)
  expect(await people.isEmailVerified(db, owner.id)).toBe(true)
  expect(await catwalkErrorOf(auth.mailLinks.verify(second.token, null))).toMatchObject({
    code: 'verification_link_invalid',
  })
})

test('an invitation names who invites, and no name can smuggle in lines, links or recipients', async () => {
  const count = smtp.mails.length
  await people.renameWorkspace(
    accounts.database.kysely,
    owner,
    'Free\r\nBcc: eve@evil.example\r\n\r\nhttps://evil.example',
  )
  await auth.mailLinks.sendInvitation(owner, 'bo@example.com', 'secret-token', 'member')
  const mail = await mailAfter(count)
  expect(mail.to).toEqual(['bo@example.com'])
  expect(mail.text).toContain('/join#token=secret-token')
  expect(mail.text).not.toMatch(/^bcc:/im)
  expect(mail.text).not.toContain('https://evil.example')
})

test('a mail server that refuses is on record without the link or the address', async () => {
  await using strict = await startSmtpServer({ refuse: '550 no such mailbox bo@example.com' })
  const log: LogEntry[] = []
  const failing = authWith(strict, log)
  await failing.mailLinks.sendInvitation(owner, 'bo@example.com', 'secret-token', 'member')
  const entry = await until('the failure is logged', () => log[0] ?? null)
  expect(entry).toMatchObject({ level: 'error', fields: { code: 'EENVELOPE', kind: 'invitation' } })
  expect(JSON.stringify(log)).not.toMatch(/secret-token|bo@example/)
})

test('without a mail server the links say so', async () => {
  const without = accounts.auth.mailLinks
  expect(await catwalkErrorOf(without.sendVerification(owner))).toMatchObject({ code: 'mail_not_set_up' })
  expect(await without.sendInvitation(owner, 'bo@example.com', 'token', 'viewer')).toBe(false)
})
