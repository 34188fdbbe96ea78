import { afterAll, beforeAll, expect, test } from 'vitest'
import { startSmtpServer, type SmtpServer } from '../fakes/smtp-server.ts'
import { cookieHeader, tokenOf } from '../auth/support.ts'
import { makeCertificate } from '../support/certificate.ts'
import { startProgram, type Program } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { until } from '../support/until.ts'

const login = { user: 'catwalk@example.com', password: 'p@ss/word: with signs' }
const owner = { name: 'Ada', email: 'ada@example.com', password: 'correct horse battery' }

const owned = new AsyncDisposableStack()
let smtp: SmtpServer
let program: Program
let session = ''

beforeAll(async () => {
  const { path } = owned.use(await temporaryDirectory())
  const certificate = await makeCertificate(path, 'DNS:localhost')
  smtp = owned.use(await startSmtpServer({ tls: certificate, login }))
  const who = `${encodeURIComponent(login.user)}:${encodeURIComponent(login.password)}`
  program = owned.use(
    await startProgram({
      env: {
        CATWALK_SMTP_URL: `smtp://${who}@localhost:${smtp.port}`,
        CATWALK_MAIL_FROM: 'Catwalk <catwalk@example.com>',
        NODE_EXTRA_CA_CERTS: certificate.certificatePath,
      },
    }),
  )
})
afterAll(() => owned.disposeAsync())

async function ask(path: string, body: object, cookie = session): Promise<Response> {
  const { origin } = program
  const headers = { 'content-type': 'application/json', origin, ...(cookie === '' ? {} : { cookie }) }
  return fetch(origin + path, { method: 'POST', headers, body: JSON.stringify(body) })
}

async function read(path: string): Promise<unknown> {
  return (await fetch(program.origin + path, { headers: { cookie: session } })).json()
}

/** The token in the link of the newest mail to somebody, which came encrypted and in our own name. */
async function tokenMailedTo(address: string, path: string): Promise<string> {
  const mail = await until(
    `a mail to ${address} comes`,
    () => smtp.mails.findLast(({ to, data }) => to[0] === address && data.includes(path)) ?? null,
  )
  expect(mail).toMatchObject({ encrypted: true, user: login.user, from: 'catwalk@example.com' })
  // Quoted-printable (RFC 2045, 6.7).
  const text = mail.data.replaceAll('=\n', '').replaceAll('=3D', '=')
  const link = new RegExp(`${program.origin}${path}#token=([\\w-]+)`).exec(text)
  expect(link).not.toBeNull()
  return link?.[1] ?? ''
}

test('the owner of a new installation confirms their address by mail', async () => {
  const made = await ask('/api/v1/setup', { token: tokenOf(new URL(program.setUpLink ?? '')), ...owner })
  expect(made.status).toBe(201)
  session = cookieHeader(made.headers.getSetCookie())
  const token = await tokenMailedTo(owner.email, '/verify-email')
  expect(await read('/api/v1/me/sign-in')).toMatchObject({ emailVerified: false })
  expect((await ask('/api/v1/email-verifications/redeem', { token })).status).toBe(204)
  expect(await read('/api/v1/me/sign-in')).toMatchObject({ emailVerified: true })
})

test('somebody who is invited by mail joins by its link', async () => {
  const invited = await ask('/api/v1/invitations', { email: 'bo@example.com', role: 'member' })
  expect(await invited.json()).toMatchObject({ mailed: true })
  const token = await tokenMailedTo('bo@example.com', '/join')
  const bo = { name: 'Bo', email: 'bo@example.com', password: 'another long phrase' }
  expect((await ask('/api/v1/invitation-links/join', { token, ...bo }, '')).status).toBe(201)
})

test('a forgotten password is set by a link that comes by mail', async () => {
  expect((await ask('/api/v1/password-resets/request', { email: owner.email }, '')).status).toBe(204)
  const token = await tokenMailedTo(owner.email, '/reset-password')
  const password = 'a password that is new'
  expect((await ask('/api/v1/password-resets/redeem', { token, password }, '')).status).toBe(204)
  const enter = (given: string) => ask('/api/auth/sign-in/email', { email: owner.email, password: given }, '')
  expect((await enter(password)).status).toBe(200)
  expect((await enter(owner.password)).status).toBe(401)
})

test('neither the password of the mail server nor a link went in clear or into the log', () => {
  expect(smtp.clear.join('\n')).not.toMatch(/^(?:AUTH|MAIL)/im)
  const tokens = smtp.mails.flatMap(({ data }) => /#token=3?D?([\w-]{20,})/.exec(data)?.[1] ?? [])
  expect(tokens.length).toBeGreaterThan(2)
  for (const secret of [login.password, encodeURIComponent(login.password), ...tokens]) {
    expect(program.output()).not.toContain(secret)
  }
})
