import { expect, test } from 'vitest'
import { hashOfTool } from '../../src/domain/tool-pins.ts'
import { createToolDoor, knownTools, type JsonObject, type Offers } from '../../src/domain/index.ts'
import { until } from '../support/until.ts'
import { fixture, startBridge } from './bridge-server.ts'
import { ask, callTool } from './modern-client.ts'
import { openSession } from './session-client.ts'

const SERVERS = [
  ['legacy', fixture('capable-server')],
  ['modern', fixture('capable-server', 'modern')],
] as const
const CLIENTS = [{}, { sampling: {} }, { elicitation: {} }, { elicitation: {}, sampling: {} }]

const tool = (name: string, description: string) => ({ name, description, inputSchema: { type: 'object' } })
const PLAIN = [tool('read', 'Reads.'), tool('turn', 'Turns.')]

/** A bridge whose tools are pinned as the program pins them, and what it recorded and reported. */
async function startPinned(command: readonly [string, ...string[]]) {
  const pins = Object.fromEntries(PLAIN.map((one) => [one.name, [hashOfTool(one)]]))
  const tools = knownTools({ settings: {}, pinning: 'changed', stopped: {}, releaseId: 'rel_1', pins })
  const source = { current: () => tools, onChange: () => () => undefined }
  const reported: JsonObject[] = []
  const recorded = new Map<string, Offers>()
  const door = createToolDoor(source, 'rel_1', {
    report: (listed) => void reported.push(...listed),
    record: (set, offers) => void recorded.set(set, offers),
  })
  const server = await startBridge(command, { tools: door })
  return { server, reported, recorded, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

const toolsIn = ({ messages }: Awaited<ReturnType<typeof ask>>) => messages.at(-1)?.result?.['tools']

/** What a server lists to a client, in short. */
const expected = (capabilities: object) => [
  tool('read', 'elicitation' in capabilities ? 'Reads, and asks first.' : 'Reads.'),
  tool('turn', 'Turns.'),
  ...('sampling' in capabilities ? [tool('ask_model', 'Asks the model.')] : []),
]

test.each(SERVERS)(
  'clients of both eras that a %s server lists other tools to see them in turns, and nothing counts as changed',
  async (_era, command) => {
    await using pinned = await startPinned(command)
    const { url } = pinned.server
    const sessions = await Promise.all(
      CLIENTS.map(async (capabilities) => openSession(url, { capabilities })),
    )
    for (let round = 0; round < 3; round++) {
      for (const [index, capabilities] of CLIENTS.entries()) {
        const session = sessions[index]
        const listed = await session?.post({ jsonrpc: '2.0', id: round, method: 'tools/list' })
        expect(listed === undefined ? null : toolsIn(listed)).toEqual(expected(capabilities))
        expect(toolsIn(await ask(url, 'tools/list', {}, { capabilities }))).toEqual(expected(capabilities))
      }
    }
    const sets = ['elicitation', 'elicitation sampling', 'sampling']
    await until('each set is recorded', async () => (pinned.recorded.size === 3 ? true : null))
    expect([...pinned.recorded.keys()].toSorted()).toEqual(sets)
    expect(pinned.recorded.get('sampling')?.tools).toEqual(expected({ sampling: {} }))
    expect(pinned.reported).toEqual([])
  },
)

test.each(SERVERS)(
  'a %s server that changes what it lists to clients with a capability has that tool stopped before they see it',
  async (_era, command) => {
    await using pinned = await startPinned(command)
    const { url } = pinned.server
    const capabilities = { sampling: {} }
    const session = await openSession(url, { capabilities })
    const list = async () =>
      (
        toolsIn(await session.post({ jsonrpc: '2.0', id: 1, method: 'tools/list' })) as { name: string }[]
      ).map(({ name }) => name)
    expect(await list()).toContain('ask_model')
    await until('it is recorded', async () => pinned.recorded.get('sampling') ?? null)
    await session.call('turn', { tool: 'ask_model' })
    expect(await list()).toEqual(['read', 'turn'])
    expect((await session.call('ask_model')).error?.data).toMatchObject({ error: 'tool_blocked' })
    expect(pinned.reported).toEqual([tool('ask_model', 'Asks the model. Turned.')])
  },
)

test('a change for everybody is caught although a client with capabilities is the first to list it', async () => {
  await using pinned = await startPinned(fixture('capable-server', 'modern'))
  const { url } = pinned.server
  await callTool(url, 'turn', { tool: 'read' })
  await ask(url, 'tools/list', {}, { capabilities: { sampling: {} } })
  await until('it is told', async () => (pinned.reported.length > 0 ? true : null))
  expect(pinned.reported[0]).toEqual(tool('read', 'Reads. Turned.'))
  expect((await callTool(url, 'read', {})).error?.data).toMatchObject({ error: 'tool_blocked' })
})

test('a server that says aloud that it changed is looked at for those it said it to', async () => {
  await using pinned = await startPinned(fixture('capable-server'))
  const session = await openSession(pinned.server.url, { capabilities: { sampling: {} } })
  await session.post({ jsonrpc: '2.0', id: 1, method: 'tools/list' })
  await until('it is recorded', async () => pinned.recorded.get('sampling') ?? null)
  await session.call('turn', { tool: 'ask_model', aloud: true })
  await until('it is told', async () => (pinned.reported.length > 0 ? true : null))
  expect(pinned.reported).toEqual([tool('ask_model', 'Asks the model. Turned.')])
})
