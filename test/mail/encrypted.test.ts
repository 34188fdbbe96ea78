import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Secret } from '../../src/domain/index.ts'
import { createMailer } from '../../src/mail/index.ts'
import { recordingLogger, type LogEntry } from '../api/support.ts'
import { startSmtpServer, type SmtpOptions } from '../fakes/smtp-server.ts'
import { makeCertificate, type Certificate } from '../support/certificate.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const login = { user: 'catwalk@example.com', password: 'p@ss/word: with signs' }
const mail = { to: 'bo@example.com', kind: 'invitation', subject: 'Hello', text: 'a link' } as const

const owned = new AsyncDisposableStack()
/** Trusted for 127.0.0.1. */
let good: Certificate
/** Trusted, for another host. */
let ofOther: Certificate
let untrusted: Certificate

beforeAll(async () => {
  const { path } = owned.use(await temporaryDirectory())
  good = await makeCertificate(path, 'IP:127.0.0.1')
  ofOther = await makeCertificate(path, 'DNS:mail.example.com')
  untrusted = await makeCertificate(owned.use(await temporaryDirectory()).path, 'IP:127.0.0.1')
  const before = getCACertificates('default')
  setDefaultCACertificates([...before, good.certificate, ofOther.certificate])
  owned.defer(() => setDefaultCACertificates(before))
})
afterAll(() => owned.disposeAsync())

/** Sends one mail to such a server; tells what arrived, and how it failed. */
async function sendTo(options: SmtpOptions, given: typeof login | null = login) {
  await using server = await startSmtpServer(options)
  const { user, password } = given ?? { user: '', password: '' }
  const who = given === null ? '' : `${encodeURIComponent(user)}:${encodeURIComponent(password)}@`
  const log: LogEntry[] = []
  await using mailer = createMailer({
    smtpUrl: new Secret(`smtp://${who}127.0.0.1:${server.port}`),
    from: 'Catwalk <catwalk@example.com>',
    logger: recordingLogger(log),
  })
  const failure = await mailer.send(mail).then(
    () => null,
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : 'unknown'),
  )
  mailer.sendSoon(mail)
  await mailer[Symbol.asyncDispose]()
  return { failure, mails: server.mails, clear: server.clear.join('\n'), log: JSON.stringify(log) }
}

const base64 = (text: string) => Buffer.from(text).toString('base64')

/** No form in which a password or a mail would go over the line. */
function expectNothingInClear({ clear, log }: { clear: string; log: string }): void {
  for (const text of [login.password, base64(login.password), 'a link', 'bo@example.com']) {
    expect(clear).not.toContain(text)
    expect(log).not.toContain(text)
  }
  expect(clear).not.toMatch(/^(?:AUTH|MAIL|RCPT)/im)
}

test('with a password a mail goes encrypted, in the name of whoever the password is for', async () => {
  const sent = await sendTo({ tls: good, login })
  expect(sent).toMatchObject({ failure: null, log: '[]' })
  expect(sent.mails).toHaveLength(2)
  for (const one of sent.mails) {
    expect(one).toMatchObject({ encrypted: true, user: login.user, to: ['bo@example.com'] })
  }
  expectNothingInClear(sent)
})

test('where encryption is offered it is used without a password as well', async () => {
  const sent = await sendTo({ tls: good }, null)
  expect(sent.mails).toMatchObject([{ encrypted: true, user: null }, { encrypted: true }])
})

test('a password is never sent where no encryption is offered, as by somebody who takes the offer out', async () => {
  const sent = await sendTo({})
  expect(sent.failure).toBe('ETLS')
  expect(sent.mails).toEqual([])
  expectNothingInClear(sent)
})

test.each([
  ['nobody trusts', () => untrusted],
  ['is for another host', () => ofOther],
])('nothing is sent to a server with a certificate that %s', async (_, certificate) => {
  const sent = await sendTo({ tls: certificate(), login })
  expect(sent.failure).toBe('ESOCKET')
  expect(sent.mails).toEqual([])
  expectNothingInClear(sent)
})

test('a wrong password is on record, and is not in it', async () => {
  const sent = await sendTo({ tls: good, login: { ...login, password: 'another' } })
  expect(sent.failure).toBe('EAUTH')
  expect(sent.mails).toEqual([])
  expect(sent.log).toContain('EAUTH')
  expectNothingInClear(sent)
})
