import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createToolRules, type JsonObject, type Manifest } from '../../src/domain/index.ts'
import { ask } from '../bridge/modern-client.ts'
import { startCuttable, type Cuttable } from '../clients/cuttable.ts'
import { MODES } from '../clients/modes.ts'
import { playScript } from '../clients/script.ts'
import { SIMPLE_TEXT } from '../conformance/fixtures/content.ts'
import { startHouse, stopped, type House } from '../collections/house.ts'
import { prefixed } from '../collections/prefixed.ts'
import type { Fixture } from '../conformance/vocabulary.ts'

const ORDERS: readonly (readonly [Fixture, Fixture])[] = [
  ['legacy', 'modern'],
  ['modern', 'legacy'],
]

// Both have resources of the same names, which are those of the first.
describe.each(ORDERS)('a %s server in a collection with a %s one', (first, second) => {
  let house: House
  let way: Cuttable

  beforeAll(async () => {
    house = await startHouse({
      members: [
        [first, first],
        [second, second],
      ],
    })
    way = await startCuttable(house.url)
  })
  afterAll(async () => {
    await way[Symbol.asyncDispose]()
    await house[Symbol.asyncDispose]()
  })

  // Towards its clients a collection is a server of the modern era, whatever its members are.
  const stage = { server: 'modern', way: () => way, direct: () => house.url } as const
  describe.each(MODES)('and $name', (mode) => {
    playScript(prefixed(mode, first), stage)
  })
})

const modern = MODES.find(({ name }) => name === 'client 2.4, pinned')
const legacy = MODES.find(({ name }) => name === 'sdk 1.32 over Streamable HTTP')
if (modern === undefined || legacy === undefined) throw new Error('There is no such client.')

describe.each([modern, legacy])('$name over a collection', ({ connect }) => {
  const both = [
    ['old', 'legacy'],
    ['new', 'modern'],
  ] as const

  test('sees the tools and prompts of all members, in their order and under their names', async () => {
    await using house = await startHouse({ members: both })
    await using client = await connect(house.url, false)
    const tools = await client.tools()
    expect(tools).toContain('old_test_simple_text')
    expect(tools).toContain('new_test_simple_text')
    const prefixes = tools.map((name) => name.slice(0, 3))
    expect(prefixes).toEqual(prefixes.toSorted((a, b) => (a === b ? 0 : a === 'old' ? -1 : 1)))
    expect(await client.prompts()).toContain('new_test_simple_prompt')
    // Both have it; it is that of the first, once.
    expect((await client.resources()).filter((uri) => uri === 'test://static-text')).toHaveLength(1)
  })

  test('calls each member under the name of who calls, and each call is told once', async () => {
    await using house = await startHouse({ members: both })
    await using client = await connect(house.url, false)
    expect(await client.call('old_test_simple_text')).toBe(SIMPLE_TEXT)
    expect(await client.call('new_test_simple_text')).toBe(SIMPLE_TEXT)
    const calls = house.reports.filter((line) => line.includes('test_simple_text'))
    expect(calls).toEqual(['old tok_1 test_simple_text ok', 'new tok_1 test_simple_text ok'])
  })

  test('is told what there is not', async () => {
    await using house = await startHouse({ members: both })
    await using client = await connect(house.url, false)
    for (const name of ['other_test_simple_text', 'test_simple_text', 'nothing']) {
      await expect(client.call(name)).rejects.toThrow(/Unknown tool/)
    }
    await expect(client.read('test://missing')).rejects.toThrow(/not found/i)
  })

  test('goes on with the others when one is stopped, sees what it had, and hears which one it was', async () => {
    await using house = await startHouse({ members: both })
    await using client = await connect(house.url, false)
    const before = await client.tools()
    house.replace('old', stopped)
    expect(await client.tools()).toEqual(before)
    expect(await client.call('new_test_simple_text')).toBe(SIMPLE_TEXT)
    await expect(client.call('old_test_simple_text')).rejects.toThrow(/old: The deployment was stopped/)
    expect(house.reports.at(-1)).toBe('old tok_1 test_simple_text failed')
  })

  test('sees what is recorded of a member that never answered', async () => {
    const recorded = new Map([['old', aManifest(['remembered'])]])
    await using house = await startHouse({ members: both, recorded })
    house.replace('old', stopped)
    await using client = await connect(house.url, false)
    const tools = await client.tools()
    expect(tools[0]).toBe('old_remembered')
    expect(tools).toContain('new_test_simple_text')
  })

  test('waits once for a member that takes requests and answers none, and sees the others', async () => {
    await using house = await startHouse({ members: both })
    house.replace('old', { handle: () => undefined })
    await using client = await connect(house.url, false)
    const tools = await client.tools()
    expect(tools).toContain('new_test_simple_text')
    expect(tools.some((name) => name.startsWith('old'))).toBe(false)
    expect(await client.call('new_test_simple_text')).toBe(SIMPLE_TEXT)
  })

  test('gets an error for a call whose server dies of it, and the other member goes on', async () => {
    await using house = await startHouse({ members: both })
    await using client = await connect(house.url, false)
    await client.tools()
    const began = Promise.withResolvers<void>()
    const call = client.call('old_test_until_cancelled', {}, { onProgress: () => began.resolve() })
    call.catch(() => undefined)
    await began.promise
    await house.bridges.get('old')?.stop(0)
    await expect(call).rejects.toThrow(/./)
    expect(await client.call('new_test_simple_text')).toBe(SIMPLE_TEXT)
  })

  test('finds tools by searching and calls them, questions included', async () => {
    await using house = await startHouse({ members: both, listing: 'search' })
    await using client = await connect(house.url, true)
    expect(await client.tools()).toEqual(['search_tools', 'call_tool'])
    const found = JSON.parse(await client.call('search_tools', { query: 'simple text' })) as {
      tools: { name: string; inputSchema: object }[]
    }
    expect(
      found.tools
        .slice(0, 2)
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(['new_test_simple_text', 'old_test_simple_text'])
    expect(await client.call('call_tool', { name: 'old_test_simple_text' })).toBe(SIMPLE_TEXT)
    for (const prefix of ['old', 'new']) {
      const asking = { name: `${prefix}_test_sampling`, arguments: { prompt: 'Capital?' } }
      expect(await client.call('call_tool', asking)).toBe('LLM response: Paris')
      const mirrored = { name: `${prefix}_test_x_mcp_header`, arguments: { region: 'Zürich' } }
      expect(await client.call('call_tool', mirrored)).toBe('region=Zürich')
    }
    await expect(client.call('call_tool', { name: 'x_y' })).rejects.toThrow(/Unknown tool: x_y/)
    await expect(client.call('call_tool', {})).rejects.toThrow(/name is missing/)
  })

  test('sees and calls tools as the owner of a member set them', async () => {
    const set = { test_simple_text: { name: 'say' }, test_error_handling: { disabled: true } } as const
    const rules = new Map(['old', 'new'].map((prefix) => [prefix, createToolRules(set)]))
    await using house = await startHouse({ members: both, rules })
    await using client = await connect(house.url, false)
    const tools = await client.tools()
    for (const prefix of ['old', 'new']) {
      expect(tools).toContain(`${prefix}_say`)
      expect(tools).not.toContain(`${prefix}_test_simple_text`)
      expect(tools).not.toContain(`${prefix}_test_error_handling`)
      expect(await client.call(`${prefix}_say`)).toBe(SIMPLE_TEXT)
      await expect(client.call(`${prefix}_test_error_handling`)).rejects.toThrow(/off|disabled/i)
    }
  })

  test('searches when there are more tools than the number that was set', async () => {
    await using house = await startHouse({ members: both, listing: 'auto', searchOver: 3 })
    await using client = await connect(house.url, false)
    expect(await client.tools()).toEqual(['search_tools', 'call_tool'])
  })
})

function aManifest(tools: readonly string[]): Manifest {
  return {
    era: 'legacy',
    protocolVersion: '2025-11-25',
    serverInfo: { name: 'x', version: '1' },
    capabilities: { tools: {} },
    instructions: null,
    tools: tools.map((name) => ({ name, inputSchema: { type: 'object' } })),
    resources: [],
    resourceTemplates: [],
    prompts: [],
  }
}

test('members are not told that a client knows tasks, because a collection has none', async () => {
  await using house = await startHouse({ members: [['one', 'modern']] })
  const heard: unknown[] = []
  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    // Sent by the collection.
    const message = JSON.parse(await text(req)) as { id: number; method: string; params: JsonObject }
    const { id, method, params } = message
    if (method === 'tools/call') heard.push(params['_meta'])
    const result = method === 'tools/list' ? { tools: [] } : { resultType: 'complete', content: [] }
    res.writeHead(200, { 'content-type': 'application/json' })
    res.end(JSON.stringify({ jsonrpc: '2.0', id, result }))
  }
  house.replace('one', {
    handle(req, res) {
      void answer(req, res)
    },
  })
  const extensions = { 'io.modelcontextprotocol/tasks': {}, 'example.com/own': {} }
  const call = { name: 'one_tool', arguments: {} }
  await ask(house.url, 'tools/call', call, { capabilities: { sampling: {}, extensions } })
  expect(heard).toMatchObject([
    { 'io.modelcontextprotocol/clientCapabilities': { sampling: {}, extensions: { 'example.com/own': {} } } },
  ])
  expect(JSON.stringify(heard)).not.toContain('tasks')
})
