import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { CatwalkError, Secret, systemClock, type NoticeSender } from '../../src/domain/index.ts'
import { queries } from '../../src/db/index.ts'
import { createMailer } from '../../src/mail/index.ts'
import { createHttpClient } from '../../src/network/index.ts'
import { createNoticeSender } from '../../src/program/notices.ts'
import { startNoticeDelivery } from '../../src/reconciler/index.ts'
import {
  changeNoticeChannel,
  createNoticeChannel,
  createToken,
  deleteNoticeChannel,
  listAudit,
  listNoticeChannels,
  listNotices,
  renewNoticeSecret,
  testNoticeChannel,
  type ServiceContext,
} from '../../src/services/index.ts'
import { startSmtpServer, type SmtpServer } from '../fakes/smtp-server.ts'
import { silentLogger } from '../support/logger.ts'
import { until } from '../support/until.ts'
import { createWorld, type Node, type World } from './world.ts'

interface Received {
  readonly path?: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** Takes webhooks and answers with what a test wants. */
async function startReceiver() {
  const received: Received[] = []
  const receiver = {
    received,
    status: 200,
    url: '',
    slow: Promise.resolve(),
    [Symbol.asyncDispose]: async () => {},
  }
  const server = createServer((req, res) => {
    let body = ''
    req.setEncoding('utf8').on('data', (text: string) => (body += text))
    req.on('end', () => {
      const path = req.url ?? ''
      received.push({ path, headers: req.headers, body })
      const answer = () => res.writeHead(receiver.status, { location: 'http://127.0.0.1:1/' }).end()
      if (path === '/slow') void receiver.slow.then(answer)
      else answer()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  receiver.url = `http://127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}`
  receiver[Symbol.asyncDispose] = async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  return receiver
}

let owned: AsyncDisposableStack
let world: World
let node: Node
let id: string
let ctx: ServiceContext
let sender: NoticeSender
let smtp: SmtpServer
let receiver: Awaited<ReturnType<typeof startReceiver>>

beforeEach(async () => {
  owned = new AsyncDisposableStack()
  world = owned.use(await createWorld())
  smtp = owned.use(await startSmtpServer())
  receiver = owned.use(await startReceiver())
  const mailer = owned.use(
    createMailer({ smtpUrl: new Secret(smtp.url), from: 'Catwalk <c@example.com>', logger: silentLogger }),
  )
  sender = createNoticeSender({
    http: owned.use(createHttpClient({ trustedOrigins: [receiver.url], userAgent: 'test' })),
    mailer,
    publicUrl: 'https://catwalk.example',
    clock: systemClock,
  })
  ctx = { ...world.ctx, notices: sender }
  node = owned.use(await world.startNode())
  id = await world.deploy()
  await until('it runs', async () => ((await world.state(id)) === 'running' ? true : null))
})
afterEach(() => owned.disposeAsync())

const delivery = () =>
  startNoticeDelivery({
    db: ctx.db,
    vault: ctx.vault,
    sender,
    lookMs: 10,
    random: () => 0.5,
    logger: silentLogger,
  })
const add = (address: string) => createNoticeChannel(ctx, { body: { kind: 'webhook', address } })
const webhook = (path = '/hook?key=hidden') => add(receiver.url + path)
const states = async () => (await listNotices(ctx, { query: { limit: 100 } })).items
const arrived = (count: number) =>
  until(`${count} arrived`, () => (receiver.received.length >= count ? receiver.received : null))
const tell = (
  message = 'It failed.',
  data: Readonly<Record<string, unknown>> = { state: 'failed' },
  kind: queries.EventKind = 'release.state',
) =>
  queries.insertEvent(ctx.db, {
    workspaceId: ctx.actor.workspaceId,
    deploymentId: id,
    releaseId: null,
    kind,
    message,
    data,
  })

test('a release that fails is told to a webhook, signed so that its receiver knows who sent it', async () => {
  const { secret, address } = await webhook()
  await using _ = delivery()
  node.runtime.onProbe = () => Promise.reject(new CatwalkError('server_silent', 'It says nothing.'))
  await world.deploy()
  const [{ headers, body } = { headers: {}, body: '' }] = await arrived(1)
  const [hookId, seconds] = [String(headers['webhook-id']), String(headers['webhook-timestamp'])]
  const key = Buffer.from((secret ?? '').replace(/^whsec_/, ''), 'base64')
  const expected = createHmac('sha256', key).update(`${hookId}.${seconds}.${body}`).digest('base64')
  expect(headers['webhook-signature']).toBe(`v1,${expected}`)
  expect(JSON.parse(body)).toMatchObject({
    type: 'deployment.failed',
    data: { message: 'It says nothing.', workspace: 'Test', url: expect.stringContaining('/deployments/') },
  })
  await until('it is known to be delivered', async () =>
    (await states()).some(({ state }) => state === 'delivered') ? true : null,
  )
  expect(address).toBe(`${receiver.url}/…`)
})

test('only what an address wants is told there, and nothing is written down where nobody wants it', async () => {
  await tell()
  expect(await states()).toEqual([])
  const { id: channelId } = await webhook()
  await changeNoticeChannel(ctx, { params: { id: channelId }, body: { notices: ['update_available'] } })
  await tell()
  await tell('It is live.', { state: 'live' })
  expect(await states()).toEqual([])
  await changeNoticeChannel(ctx, { params: { id: channelId }, body: { notices: ['failed'] } })
  await tell('Now it is told.')
  expect((await states()).map(({ message, state }) => [message, state])).toEqual([
    ['Now it is told.', 'pending'],
  ])
})

test('a member is told by mail, and nobody else is, also not one who has left', async () => {
  const mail = (address: string) => createNoticeChannel(ctx, { body: { kind: 'mail', address } })
  await expect(mail('stranger@example.com')).rejects.toMatchObject({ code: 'invalid_request' })
  const userId = await world.person('bea')
  expect(await mail('Bea@example.com')).toMatchObject({ secret: null, address: 'bea@example.com' })
  await using _ = delivery()
  await tell('The server ended with code 1.')
  await until('a mail came', () => (smtp.mails.length > 0 ? true : null))
  expect(smtp.mails[0]).toMatchObject({
    to: ['bea@example.com'],
    data: expect.stringContaining('The server ended with code 1.'),
  })
  await ctx.db.deleteFrom('members').where('user_id', '=', userId).execute()
  await tell('Again.')
  await until('it is given up', async () =>
    (await states()).some(({ state }) => state === 'failed') ? true : null,
  )
  expect(smtp.mails).toHaveLength(1)
})

test('what is not taken is tried again with the same id, and delivered once it is; a redirect is not followed', async () => {
  const { id: channelId } = await webhook()
  receiver.status = 302
  await testNoticeChannel(ctx, { params: { id: channelId } })
  await using _ = delivery()
  await arrived(1)
  const failed = await until('it is known', async () => {
    const [item] = await states()
    return item?.error === null || item === undefined ? null : item
  })
  expect(failed).toMatchObject({ state: 'pending', attempts: 1, kind: 'test' })
  expect(failed.error).toMatch(/answers with 302/)
  receiver.status = 204
  await ctx.db
    .updateTable('notice_deliveries')
    .set({ next_at: new Date(0) })
    .execute()
  await until('it is delivered', async () => ((await states())[0]?.state === 'delivered' ? true : null))
  const ids = receiver.received.map(({ headers }) => headers['webhook-id'])
  expect(ids).toEqual([failed.noticeId, failed.noticeId])
  // Who asked may be named after a machine and its folders, which is nobody's business outside.
  expect(receiver.received[0]?.body).not.toContain(ctx.actor.label)
})

test('an address that says it wants nothing any more is not asked again', async () => {
  await webhook()
  receiver.status = 410
  await using _ = delivery()
  await tell()
  const told = await until('it is given up', async () => {
    const [item] = await states()
    return item?.state === 'failed' ? item : null
  })
  expect(told).toMatchObject({ attempts: 1, nextAt: null, error: expect.stringMatching(/410/) })
})

test('several replicas tell each notice once', async () => {
  await webhook()
  await using replicas = new AsyncDisposableStack()
  for (let replica = 0; replica < 3; replica++) replicas.use(delivery())
  for (let count = 0; count < 10; count++) await tell(`Number ${count}.`)
  await arrived(10)
  await until('all are delivered', async () =>
    (await states()).every(({ state }) => state === 'delivered') ? true : null,
  )
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(10)
  expect(receiver.received).toHaveLength(10)
})

test('a receiver that takes long is sent one at a time and holds up no other', async () => {
  const answered = Promise.withResolvers<void>()
  receiver.slow = answered.promise
  await webhook('/slow')
  for (let index = 0; index < 8; index++) await tell(`Slow ${index}`)
  await using first = delivery()
  await using second = delivery()
  await arrived(1)
  await webhook('/other')
  await tell('For both')
  first.poke()
  second.poke()
  const paths = () => receiver.received.map(({ path }) => path)
  await until('the other one is told', () => (paths().includes('/other') ? true : null), 5_000)
  expect(paths().filter((path) => path === '/slow').length).toBeLessThanOrEqual(2)
  answered.resolve()
  await arrived(10)
  expect(
    new Set(receiver.received.map(({ headers, path }) => `${path} ${String(headers['webhook-id'])}`)).size,
  ).toBe(10)
})

test('a notice whose replica died while it sent it is sent by another one with the same id, and the dead one changes nothing any more', async () => {
  await webhook()
  await tell()
  const claimed = await queries.claimDelivery(ctx.db)
  expect(await queries.claimDelivery(ctx.db)).toBeNull()
  await ctx.db
    .updateTable('notice_deliveries')
    .set({ lease_until: new Date(0) })
    .execute()
  await using _ = delivery()
  const [{ headers } = { headers: {} }] = await arrived(1)
  expect(headers).toMatchObject({ 'webhook-id': claimed?.notice.id })
  const settled = { state: 'delivered', attempts: 2, error: null }
  await until('it is delivered', async () => ((await states())[0]?.state === 'delivered' ? true : null))
  if (claimed !== null) await queries.endDelivery(ctx.db, claimed, { state: 'failed', error: 'late' })
  expect(await states()).toMatchObject([settled])
})

test('an address inside the own network, or without TLS, is refused unless the operator trusts it', async () => {
  await expect(add('https://127.0.0.1/hook')).rejects.toMatchObject({ code: 'service_unreachable' })
  await expect(add('https://169.254.169.254/latest')).rejects.toMatchObject({ code: 'service_unreachable' })
  await expect(add('http://example.com/hook')).rejects.toMatchObject({ code: 'service_unreachable' })
  await expect(add('https://user:pass@example.com/')).rejects.toMatchObject({ code: 'invalid_request' })
  await expect(add('ftp://example.com/')).rejects.toMatchObject({ code: 'invalid_request' })
})

test('the address of a webhook is kept encrypted and never shown, and its secret can be renewed', async () => {
  const first = await webhook()
  const row = await ctx.db.selectFrom('notice_channels').selectAll().executeTakeFirstOrThrow()
  const { items } = await listAudit(ctx, { query: { limit: 100 } })
  expect(JSON.stringify([row, items, await listNoticeChannels(ctx)])).not.toContain('hidden')
  const renewed = await renewNoticeSecret(ctx, { params: { id: first.id } })
  expect(renewed.secret).toMatch(/^whsec_/)
  expect(renewed.secret).not.toBe(first.secret)
  await deleteNoticeChannel(ctx, { params: { id: first.id } })
  expect((await listNoticeChannels(ctx)).items).toEqual([])
  await expect(testNoticeChannel(ctx, { params: { id: first.id } })).rejects.toMatchObject({
    code: 'notice_channel_not_found',
  })
})

test('a token that expires within a week is told of once', async () => {
  await webhook()
  await createToken(ctx, { params: { id }, body: { name: 'short', scope: 'full', expiresInDays: 3 } })
  await createToken(ctx, { params: { id }, body: { name: 'long', scope: 'full', expiresInDays: 90 } })
  await queries.noticeExpiringKeys(ctx.db, 7)
  await queries.noticeExpiringKeys(ctx.db, 7)
  const told = await states()
  expect(told.map(({ kind, message }) => [kind, message])).toEqual([
    ['key_expiring', expect.stringContaining("The endpoint token 'short' expires on ")],
  ])
})

test('a server that comes and goes is told of once in a while', async () => {
  await webhook()
  for (let time = 0; time < 2; time++) await tell('It does not answer.', {}, 'instance.silent')
  expect((await states()).map(({ kind }) => kind)).toEqual(['unhealthy'])
})
