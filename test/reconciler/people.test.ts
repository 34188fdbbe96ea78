import { afterAll, beforeAll, expect, test } from 'vitest'
import { queries } from '../../src/db/index.ts'
import { CatwalkError } from '../../src/domain/index.ts'
import {
  bringOwnCredentials,
  createDeployment,
  createRelease,
  createToken,
  deleteDeployment,
  getOwnCredentials,
  listOwnCredentials,
  rotateToken,
  withdrawOwnCredentials,
  type ServiceContext,
} from '../../src/services/index.ts'
import { MANIFEST, type FakeInstance } from '../fakes/runtime.ts'
import { until } from '../support/until.ts'
import { createWorld, type Node, type World } from './world.ts'

let world: World
let ana = ''
let ben = ''
let carl = ''

beforeAll(async () => {
  world = await createWorld()
  ana = await world.person('anna')
  ben = await world.person('ben')
  carl = await world.person('carl')
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
})

const LONG_MS = 10_000_000
const patience = (): AbortSignal => AbortSignal.timeout(10_000)

const becomes = (id: string, state: string): Promise<true> =>
  until(`${id} is ${state}`, async () => ((await world.state(id)) === state ? true : null))

const as = (id: string): ServiceContext => ({
  ...world.ctx,
  actor: { ...world.ctx.actor, id, label: id, role: 'member' },
})

const bring = (id: string, person: string, value: string) =>
  bringOwnCredentials(as(person), { params: { id }, body: { values: { API_TOKEN: value } } })

/** A deployment where everybody brings a token, and a shared value beside it. */
async function shared(): Promise<string> {
  const id = await world.deploy({ REGION: 'eu' }, ['API_TOKEN'])
  await becomes(id, 'running')
  return id
}

async function call(node: Node, id: string, person: string | undefined): Promise<void> {
  const endpoint = await node.instances.wake(id, patience())
  const caller = {
    subject: person ?? 'tok_x',
    requestId: 'req_1',
    ...(person === undefined ? {} : { person }),
  }
  await endpoint.request('tools/call', {}, caller, patience())
}

const processesOf = (node: Node, id: string, person: string): FakeInstance[] =>
  node.runtime.started.filter(({ input }) => input.deploymentId === id && input.person === person)

const valuesOf = ({ input }: FakeInstance) =>
  Object.fromEntries([...input.credentials].map(([name, secret]) => [name, secret.reveal()]))

test('a release is tried with placeholders where whoever made it has brought nothing', async () => {
  await using node = await world.startNode()
  const id = await shared()
  const [tried] = node.runtime.started
  expect(tried && valuesOf(tried)).toEqual({
    REGION: 'eu',
    API_TOKEN: expect.stringContaining('placeholder'),
  })
  expect(await tried?.ended).toMatchObject({ reason: 'stopped' })
  // Nobody has called yet, so nothing runs.
  expect(node.runtime.started.filter(({ input }) => input.deploymentId === id)).toHaveLength(1)
})

test('what a maker gives is theirs alone, is what the release is tried with, and of it only tools are kept', async () => {
  await using node = await world.startNode()
  node.runtime.onProbe = async () => ({ ...MANIFEST, resources: [{ uri: 'file:///anas-diary' }] })
  const { deployment } = await createDeployment(as(ana), {
    body: {
      source: 'npm:some-mcp-server',
      variables: { API_TOKEN: 'token-of-ana' },
      personal: ['API_TOKEN'],
      accounts: {},
      files: {},
      arguments: {},
      args: [],
      confirmWarnings: false,
      allowMissing: false,
      network: 'none',
      allowScripts: false,
      tokenName: 'first',
    },
  })
  const { id } = deployment
  await becomes(id, 'running')
  const [tried] = node.runtime.started
  expect(tried && valuesOf(tried)).toEqual({ API_TOKEN: 'token-of-ana' })
  expect(await queries.newestCredentialVersions(world.ctx.db, id)).toEqual(new Map())
  const { manifest } = (await queries.recordedManifest(world.ctx.db, id)) ?? { manifest: null }
  expect(manifest?.tools).toEqual(MANIFEST.tools)
  expect(manifest?.resources).toEqual([])
  await expect(call(node, id, ben)).rejects.toMatchObject({ code: 'own_credentials_needed' })
})

test('each person has a process and a home of their own, with their value and the shared ones', async () => {
  await using node = await world.startNode()
  const id = await shared()
  await bring(id, ana, 'token-of-ana')
  await bring(id, ben, 'token-of-ben')
  await Promise.all([call(node, id, ana), call(node, id, ana), call(node, id, ben)])
  const [ofAna, ...moreOfAna] = processesOf(node, id, ana)
  const [ofBen] = processesOf(node, id, ben)
  expect(moreOfAna).toEqual([])
  expect(ofAna && valuesOf(ofAna)).toEqual({ REGION: 'eu', API_TOKEN: 'token-of-ana' })
  expect(ofBen && valuesOf(ofBen)).toEqual({ REGION: 'eu', API_TOKEN: 'token-of-ben' })
  // What is sealed for one says nothing to the process of the other.
  expect(ofAna?.input.sealKey.equals(ofBen?.input.sealKey ?? Buffer.alloc(0))).toBe(false)
})

test('who has brought nothing is told where to, and reaches nobody else’s process', async () => {
  await using node = await world.startNode()
  const id = await shared()
  await bring(id, ana, 'token-of-ana')
  await call(node, id, ana)
  await expect(call(node, id, ben)).rejects.toMatchObject({
    code: 'own_credentials_needed',
    message: expect.stringContaining(`http://localhost:7420/your-credentials?deployment=${id}`),
  })
  expect(processesOf(node, id, ben)).toEqual([])
})

test('a call on nobody’s behalf is refused', async () => {
  await using node = await world.startNode()
  const id = await shared()
  await bring(id, ana, 'token-of-ana')
  await expect(call(node, id, undefined)).rejects.toMatchObject({ code: 'nobody_behind_call' })
})

test('a changed value ends the process of that person, and of nobody else', async () => {
  await using node = await world.startNode()
  const id = await shared()
  await bring(id, ana, 'token-of-ana')
  await bring(id, ben, 'token-of-ben')
  await call(node, id, ana)
  await call(node, id, ben)
  await bring(id, ana, 'another-token')
  expect(await processesOf(node, id, ana)[0]?.ended).toMatchObject({ reason: 'stopped' })
  await call(node, id, ana)
  const [, second] = processesOf(node, id, ana)
  expect(second && valuesOf(second)).toMatchObject({ API_TOKEN: 'another-token' })
  await call(node, id, ben)
  expect(processesOf(node, id, ben)).toHaveLength(1)
  expect((await getOwnCredentials(as(ana), { params: { id } })).credentials).toMatchObject([{ version: 2 }])
})

test('what is taken back is deleted, and ends the process and the home of that person alone', async () => {
  await using node = await world.startNode()
  const id = await shared()
  await bring(id, ana, 'token-of-ana')
  await bring(id, ben, 'token-of-ben')
  await call(node, id, ana)
  await call(node, id, ben)
  await withdrawOwnCredentials(as(ana), { params: { id } })
  expect(await processesOf(node, id, ana)[0]?.ended).toMatchObject({ reason: 'stopped' })
  await until('the home is gone', () =>
    node.runtime.keptPeople?.has(ben) === true && !node.runtime.keptPeople.has(ana) ? true : null,
  )
  await expect(call(node, id, ana)).rejects.toMatchObject({ code: 'own_credentials_needed' })
  await call(node, id, ben)
  expect(processesOf(node, id, ben)).toHaveLength(1)
})

test('whoever leaves the workspace takes their values and their process along', async () => {
  await using node = await world.startNode()
  const id = await shared()
  const dora = await world.person('dora')
  await bring(id, dora, 'token-of-dora')
  await call(node, id, dora)
  await world.ctx.db.deleteFrom('members').where('user_id', '=', dora).execute()
  expect(await processesOf(node, id, dora)[0]?.ended).toMatchObject({ reason: 'stopped' })
  expect(await queries.listPersonalCredentials(world.ctx.db, id, dora)).toEqual([])
  await expect(getOwnCredentials(as(dora), { params: { id } })).rejects.toMatchObject({
    code: 'own_credentials_not_wanted',
  })
})

test('a process that its person does not use ends, and their next call starts another one', async () => {
  await using node = await world.startNode()
  const id = await shared()
  await bring(id, ana, 'token-of-ana')
  await bring(id, ben, 'token-of-ben')
  await call(node, id, ana)
  await call(node, id, ben)
  const [first] = processesOf(node, id, ana)
  if (first !== undefined) first.idle = LONG_MS
  expect(await first?.ended).toMatchObject({ reason: 'stopped' })
  await call(node, id, ana)
  expect(processesOf(node, id, ana)).toHaveLength(2)
  expect(processesOf(node, id, ben)).toHaveLength(1)
})

test('there are no more processes than may be: the one that is idle longest ends, one in use never', async () => {
  await using node = await world.startNode()
  const id = await shared()
  for (const person of [ana, ben, carl]) await bring(id, person, `token-of-${person}`)
  await call(node, id, ana)
  await call(node, id, ben)
  const [ofAna] = processesOf(node, id, ana)
  const [ofBen] = processesOf(node, id, ben)
  if (ofAna !== undefined) ofAna.idle = null
  if (ofBen !== undefined) ofBen.idle = 10
  await call(node, id, carl)
  expect(await ofBen?.ended).toMatchObject({ reason: 'stopped' })
  const [ofCarl] = processesOf(node, id, carl)
  if (ofCarl !== undefined) ofCarl.idle = null
  await expect(call(node, id, ben)).rejects.toMatchObject({ code: 'unavailable' })
})

test('a process that does not start says so to its person, without their value, and waits before it is tried again', async () => {
  await using node = await world.startNode()
  const id = await shared()
  await bring(id, ana, 'wrong-token')
  node.runtime.onCheck = async (instance) => {
    if (instance.input.person === ana)
      throw new CatwalkError('server_exited', 'It said: wrong-token is wrong.')
  }
  const first = await call(node, id, ana).catch((error: unknown) => error)
  expect(first).toMatchObject({ code: 'wake_failed', message: expect.not.stringContaining('wrong-token') })
  await expect(call(node, id, ana)).rejects.toThrow(/tried again in/)
  expect(processesOf(node, id, ana)).toHaveLength(1)
  // Other values are another matter, and nobody else waits.
  node.runtime.onCheck = async () => {}
  await bring(id, ben, 'token-of-ben')
  await call(node, id, ben)
})

test('a process that ends by itself is started again by the next call', async () => {
  await using node = await world.startNode()
  const id = await shared()
  await bring(id, ana, 'token-of-ana')
  await call(node, id, ana)
  processesOf(node, id, ana)[0]?.die({ reason: 'exited', exitCode: 1, signal: null })
  await until('it is started again', async () => {
    await call(node, id, ana).catch(() => undefined)
    return processesOf(node, id, ana).length === 2 ? true : null
  })
  expect(await world.state(id)).toBe('running')
})

test('after a restart of the program nobody’s process runs until they call, and everybody gets their own', async () => {
  const id = await (async () => {
    await using node = await world.startNode('node_people')
    const made = await shared()
    await bring(made, ana, 'token-of-ana')
    await bring(made, ben, 'token-of-ben')
    await call(node, made, ana)
    return made
  })()
  await using node = await world.startNode('node_people')
  await call(node, id, ben)
  expect(processesOf(node, id, ana)).toEqual([])
  const [ofBen] = processesOf(node, id, ben)
  expect(ofBen && valuesOf(ofBen)).toMatchObject({ API_TOKEN: 'token-of-ben' })
})

test('a credential becomes personal and shared again by releases, and a shared one needs a value', async () => {
  await using node = await world.startNode()
  const id = await world.deploy({ API_TOKEN: 'token-of-all' })
  await becomes(id, 'running')
  await createRelease(world.ctx, { params: { id }, body: { variables: {}, personal: ['API_TOKEN'] } })
  await until('it is live', async () => {
    const live = await queries.liveRelease(world.ctx.db, id)
    return live?.number === 2 ? true : null
  })
  await bring(id, ana, 'token-of-ana')
  await call(node, id, ana)
  const [ofAna] = processesOf(node, id, ana)
  expect(ofAna && valuesOf(ofAna)).toEqual({ API_TOKEN: 'token-of-ana' })
  await expect(
    createRelease(world.ctx, { params: { id }, body: { variables: {}, personal: [] } }),
  ).rejects.toMatchObject({ code: 'missing_variable' })
  await createRelease(world.ctx, { params: { id }, body: { variables: {}, from: 1, personal: [] } })
  await until('it is live', async () => {
    const live = await queries.liveRelease(world.ctx.db, id)
    return live?.number === 3 ? true : null
  })
  expect(await ofAna?.ended).toMatchObject({ reason: 'stopped' })
})

test('a token calls for whoever made it, and a rotated one for whoever has the new one', async () => {
  const id = await world.deploy({}, ['API_TOKEN'])
  const made = await createToken(as(ana), {
    params: { id },
    body: { name: 'mine', scope: 'full', expiresInDays: null },
  })
  const rotated = await rotateToken(as(ben), {
    params: { id, tokenId: made.id },
    body: { graceHours: 1 },
  })
  const [route] = await queries.loadRoutes(world.ctx.db, id)
  const people = new Map(route?.tokens.map(({ id: token, user_id: user }) => [token, user]))
  expect(people.get(made.id)).toBe(ana)
  expect(people.get(rotated.id)).toBe(ben)
})

test('a token of somebody who has left is nobody’s', async () => {
  const id = await world.deploy({}, ['API_TOKEN'])
  const eve = await world.person('eve')
  const { id: token } = await createToken(as(eve), {
    params: { id },
    body: { name: 'eves', scope: 'full', expiresInDays: null },
  })
  await world.ctx.db.deleteFrom('members').where('user_id', '=', eve).execute()
  const [route] = await queries.loadRoutes(world.ctx.db, id)
  expect(route?.tokens.find((one) => one.id === token)?.user_id).toBeNull()
})

test('nobody sees or brings anything for a workspace that they are not in', async () => {
  const id = await world.deploy({}, ['API_TOKEN'])
  const stranger = await world.person('stranger', false)
  await expect(bring(id, stranger, 'x')).rejects.toMatchObject({ code: 'own_credentials_not_wanted' })
  expect((await listOwnCredentials(as(stranger))).items).toEqual([])
  const mine = (await listOwnCredentials(as(ana))).items.find((item) => item.deployment.id === id)
  expect(mine).toMatchObject({ complete: false, credentials: [{ name: 'API_TOKEN', version: null }] })
})

test('only what the deployment asks for is taken, and no value comes back', async () => {
  const id = await world.deploy({}, ['API_TOKEN'])
  await expect(
    bringOwnCredentials(as(ana), { params: { id }, body: { values: { OTHER: 'x' } } }),
  ).rejects.toMatchObject({ code: 'invalid_variable' })
  await expect(bring(id, ana, '')).rejects.toMatchObject({ code: 'missing_variable' })
  const answer = await bring(id, ana, 'token-of-ana')
  expect(answer.complete).toBe(true)
  expect(JSON.stringify(answer)).not.toContain('token-of-ana')
  const rows = await queries.personalCredentialsOf(world.ctx.db, id, ana)
  expect(rows[0]?.token).not.toContain('token-of-ana')
})

test('a value under the identity of another row does not open', async () => {
  await using node = await world.startNode()
  const id = await shared()
  await bring(id, ana, 'token-of-ana')
  await bring(id, ben, 'token-of-ben')
  const [ofAna] = await queries.personalCredentialsOf(world.ctx.db, id, ana)
  // Somebody who can write to the table gives Ana's ciphertext to Ben.
  await world.ctx.db
    .updateTable('personal_credentials')
    .set({ token: ofAna?.token ?? '', key_id: ofAna?.key_id ?? '' })
    .where('deployment_id', '=', id)
    .where('user_id', '=', ben)
    .execute()
  await expect(call(node, id, ben)).rejects.toMatchObject({ code: 'credential_unreadable' })
  expect(processesOf(node, id, ben)).toEqual([])
})

test('deleting the deployment deletes what everybody brought in the same transaction', async () => {
  const id = await world.deploy({}, ['API_TOKEN'])
  await bring(id, ana, 'token-of-ana')
  await deleteDeployment(world.ctx, { params: { id } })
  expect(await queries.listPersonalCredentials(world.ctx.db, id)).toEqual([])
})

test('a runtime that keeps no homes apart takes no personal credentials', async () => {
  const runtimes = world.ctx.installation.runtimes.map((offer) => ({
    ...offer,
    supports: { ...offer.supports, people: false },
  }))
  const ctx = { ...world.ctx, installation: { ...world.ctx.installation, runtimes } }
  const id = await world.deploy({ API_TOKEN: 'x' })
  await expect(
    createRelease(ctx, { params: { id }, body: { variables: {}, personal: ['API_TOKEN'] } }),
  ).rejects.toMatchObject({ code: 'runtime_unavailable' })
})
