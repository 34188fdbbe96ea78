import { afterAll, beforeAll, expect, test } from 'vitest'
import { MODES } from '../clients/modes.ts'
import { SIMPLE_TEXT } from '../conformance/fixtures/content.ts'
import { deployFixture, startWithFixtures } from '../conformance/through-endpoint.ts'
import type { Program } from '../support/program.ts'
import { until } from '../support/until.ts'
import { runCatwalk } from './run-catwalk.ts'

const stack = new AsyncDisposableStack()
let program: Program
let own: { endpoint: string; token: string }
let collection: { endpoint: string; token: string; slug: string }

const mode = (name: string) => {
  const found = MODES.find((one) => one.name === name)
  if (found === undefined) throw new Error(`There is no client '${name}'.`)
  return found
}
const CLIENTS = [mode('sdk 1.32 over Streamable HTTP'), mode('client 2.4, pinned')]
const { connect } = mode('sdk 1.32 over Streamable HTTP')
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

async function catwalk<T>(...words: string[]): Promise<T> {
  const { exitCode, stdout, stderr } = await runCatwalk(program, [...words, '--json'])
  if (exitCode !== 0) throw new Error(`${words.join(' ')}: ${stdout}${stderr}`)
  return JSON.parse(stdout) as T
}

beforeAll(async () => {
  program = await startWithFixtures(['legacy', 'dual'], stack)
  for (const fixture of ['legacy', 'dual'] as const) {
    const deployed = await deployFixture(program, fixture)
    if ('failed' in deployed) throw new Error(deployed.failed)
    own = deployed
  }
  const slugs = (await catwalk<{ slug: string }[]>('ls')).map(({ slug }) => slug)
  const slugOf = (name: string) => slugs.find((slug) => slug.includes(name)) ?? ''
  const members = ['--add', `old=${slugOf('legacy')}`, '--add', `two=${slugOf('dual')}`]
  collection = await catwalk('collections', 'create', 'All', ...members, '--listing', 'flat')
})
afterAll(() => stack.disposeAsync())

test.each(CLIENTS)('$name calls two deployments at one address with one token', async (one) => {
  await using client = await one.connect(collection.endpoint, false, bearer(collection.token))
  const tools = await client.tools()
  expect(tools).toContain('old_test_simple_text')
  expect(tools).toContain('two_test_simple_text')
  expect(await client.call('old_test_simple_text')).toBe(SIMPLE_TEXT)
  expect(await client.call('two_test_simple_text')).toBe(SIMPLE_TEXT)
})

test('its token opens no member, and a member’s token does not open it', async () => {
  await expect(connect(own.endpoint, false, bearer(collection.token))).rejects.toThrow(/token/)
  await expect(connect(collection.endpoint, false, bearer(own.token))).rejects.toThrow(/token/)
  const ask = async (endpoint: string, token: string) =>
    (await fetch(endpoint, { method: 'POST', headers: bearer(token) })).status
  expect(await ask(own.endpoint, collection.token)).toBe(401)
  expect(await ask(collection.endpoint, own.token)).toBe(401)
})

test('a call is recorded for the deployment that was called, with the token of the collection', async () => {
  const [token] = await catwalk<{ id: string }[]>('token', 'ls', collection.slug)
  const recorded = async () => {
    const items = await catwalk<{ deployment: { slug: string } }[]>(
      'calls',
      '--token',
      token?.id ?? '',
      '--tool',
      'test_simple_text',
    )
    return items.map(({ deployment }) => deployment.slug)
  }
  const slugs = await until('both are recorded', async () => {
    const found = new Set(await recorded())
    return found.size === 2 ? found : null
  })
  expect(slugs.has(collection.slug)).toBe(false)
})

test('a member that sleeps is listed without being woken, and only the one that is called wakes', async () => {
  const members = (await catwalk<{ slug: string; id: string }[]>('ls')).map(({ slug }) => slug)
  const states = async () =>
    new Map((await catwalk<{ slug: string; state: string }[]>('ls')).map(({ slug, state }) => [slug, state]))
  for (const slug of members) await catwalk('settings', slug, '--idle-timeout', '1')
  await until('both sleep', async () =>
    [...(await states()).values()].every((state) => state === 'sleeping') ? true : null,
  )
  await using client = await connect(collection.endpoint, false, bearer(collection.token))
  expect(await client.tools()).toContain('two_test_simple_text')
  expect([...(await states()).values()]).toEqual(['sleeping', 'sleeping'])
  const dual = members.find((slug) => slug.includes('dual')) ?? ''
  for (const slug of members) await catwalk('settings', slug, '--idle-timeout', '600')
  await until('both sleep again', async () =>
    [...(await states()).values()].every((state) => state === 'sleeping') ? true : null,
  )
  expect(await client.call('two_test_simple_text')).toBe(SIMPLE_TEXT)
  const after = await states()
  expect(after.get(dual)).toBe('running')
  expect([...after.values()].toSorted()).toEqual(['running', 'sleeping'])
})

test('those who are connected hear of a new prefix, and their session goes on', async () => {
  await using client = await connect(collection.endpoint, false, bearer(collection.token))
  await client.tools()
  const members = (await catwalk<{ slug: string }[]>('ls')).map(({ slug }) => slug)
  const dual = members.find((slug) => slug.includes('dual')) ?? ''
  await catwalk('collections', 'add', collection.slug, dual, '--prefix', 'three')
  await until('the client is told', () => (client.heard.includes('tools/list_changed') ? true : null))
  expect(await client.tools()).toContain('three_test_simple_text')
  expect(await client.call('three_test_simple_text')).toBe(SIMPLE_TEXT)
  await catwalk('collections', 'add', collection.slug, dual, '--prefix', 'two')
})

test('a member that is stopped says so, and the others go on', async () => {
  const members = (await catwalk<{ slug: string }[]>('ls')).map(({ slug }) => slug)
  const old = members.find((slug) => slug.includes('legacy')) ?? ''
  await catwalk('stop', old, '--wait')
  await using client = await connect(collection.endpoint, false, bearer(collection.token))
  expect(await client.tools()).toContain('old_test_simple_text')
  await expect(client.call('old_test_simple_text')).rejects.toThrow(/old: .*stopped by its owner/)
  expect(await client.call('two_test_simple_text')).toBe(SIMPLE_TEXT)
})

test('a collection that is deleted is gone for everybody, and its members are not', async () => {
  await catwalk('collections', 'delete', collection.slug)
  const refused = await until('it is gone', async () => {
    const { status } = await fetch(collection.endpoint, {
      method: 'POST',
      headers: bearer(collection.token),
    })
    return status === 401 ? status : null
  })
  expect(refused).toBe(401)
  await using client = await connect(own.endpoint, false, bearer(own.token))
  expect(await client.call('test_simple_text')).toBe(SIMPLE_TEXT)
})
