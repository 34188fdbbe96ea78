import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { describe, expect, test } from 'vitest'
import type { ApiClient } from '../../src/contract/index.ts'
import { connectWhenOpen } from '../support/mcp-client.ts'
import { until } from '../support/until.ts'

export interface ToolsUnderTest {
  readonly api: ApiClient
  /**
   * Deploys a server with the tools `read` and `turn`. A call of `turn` has it describe `read` in another way from then on;
   * with `aloud` it says that its list has changed.
   */
  deploy(name: string): Promise<{ readonly id: string; readonly endpoint: string; readonly token: string }>
}

/** What is in force within this time of the answer that it is set. */
const SOON_MS = 1_000
const LONG_MS = 60_000
const READ = [{ type: 'text', text: 'read' }]

async function reaches(
  api: ApiClient,
  params: { readonly id: string },
  wanted: 'running' | 'stopped',
): Promise<void> {
  await until(
    `it is ${wanted}`,
    async () => {
      const { state } = await api.call('getDeployment', { params })
      if (state === 'failed') throw new Error('the deployment failed')
      return state === wanted ? true : null
    },
    LONG_MS,
  )
}

async function namesOf(client: Client): Promise<string> {
  return (await client.listTools()).tools.map((tool) => tool.name).join()
}

async function soon(client: Client, names: string): Promise<void> {
  const setAt = performance.now()
  await until(`clients see ${names}`, async () => ((await namesOf(client)) === names ? true : null))
  expect(performance.now() - setAt).toBeLessThan(SOON_MS)
}

async function deploy(subject: ToolsUnderTest, name: string) {
  const { api } = subject
  const { id, endpoint, token } = await subject.deploy(name)
  const params = { id }
  await reaches(api, params, 'running')
  const connect = async () => connectWhenOpen(endpoint, token)
  const item = async (tool: string) =>
    (await api.call('listTools', { params })).items.find((candidate) => candidate.name === tool)
  const events = async () =>
    (await api.call('listEvents', { params, query: { limit: 1000 } })).items.map(({ kind }) => kind)
  return { params, connect, item, events }
}

/** What owners set for tools, and pinned definitions, wherever the bridge of a deployment runs. */
export function toolsContract(name: string, subject: () => ToolsUnderTest): void {
  describe(`tools of a deployment on ${name}`, () => {
    test('what is switched off, renamed or annotated is so for connected clients within a second, without a new process', async () => {
      const { api } = subject()
      const { params, connect, events } = await deploy(subject(), `${name}-switched`)
      await using client = await connect()
      expect(await namesOf(client)).toBe('read,turn')
      const before = await events()
      await api.call('changeTool', { params, body: { tool: 'turn', isEnabled: false } })
      await soon(client, 'read')
      await expect(client.callTool({ name: 'turn' })).rejects.toThrow(/switched off/)
      await api.call('changeTool', { params, body: { tool: 'read', name: 'look', title: 'Look' } })
      await soon(client, 'look')
      expect((await client.listTools()).tools).toMatchObject([{ name: 'look', title: 'Look' }])
      expect((await client.callTool({ name: 'look' })).content).toEqual(READ)
      await expect(client.callTool({ name: 'read' })).rejects.toThrow(/called .look. here/)
      await api.call('changeTool', { params, body: { tool: 'turn', isEnabled: true } })
      await soon(client, 'look,turn')
      expect((await events()).filter((kind) => /^(release|instance)\./.test(kind))).toEqual(
        before.filter((kind) => /^(release|instance)\./.test(kind)),
      )
    })

    test('what is set is in force for the first call of the next process', async () => {
      const { api } = subject()
      const { params, connect } = await deploy(subject(), `${name}-next`)
      await api.call('stopDeployment', { params })
      await reaches(api, params, 'stopped')
      await api.call('changeTool', { params, body: { tool: 'turn', isEnabled: false } })
      await api.call('startDeployment', { params })
      await reaches(api, params, 'running')
      await using client = await connect()
      await expect(client.callTool({ name: 'turn' })).rejects.toThrow(/switched off/)
      expect(await namesOf(client)).toBe('read')
    })

    test('a definition that changes at run time is stopped before a client sees it, until it is accepted', async () => {
      const { api } = subject()
      const { params, connect, item, events } = await deploy(subject(), `${name}-turning`)
      await using client = await connect()
      expect(await namesOf(client)).toBe('read,turn')
      await client.callTool({ name: 'turn', arguments: {} })
      expect(await namesOf(client)).toBe('turn')
      await expect(client.callTool({ name: 'read' })).rejects.toThrow(/stopped/)
      const change = await until('it is told', async () => (await item('read'))?.change ?? null, LONG_MS)
      expect(change).toMatchObject({ kind: 'changed', isBlocked: true, members: ['description'] })
      expect(await events()).toContain('tools.sighted')
      const body = { tool: 'read', decision: 'accept', hash: change.hash } as const
      await api.call('decideAboutTool', { params, body })
      await soon(client, 'read,turn')
      expect((await client.callTool({ name: 'read' })).content).toEqual(READ)
    })

    test('a server that says that its list has changed is looked at without a client asking', async () => {
      const { connect, item } = await deploy(subject(), `${name}-aloud`)
      await using client = await connect()
      await client.callTool({ name: 'turn', arguments: { aloud: true } })
      const change = await until('it is told', async () => (await item('read'))?.change ?? null, LONG_MS)
      expect(change.isBlocked).toBe(true)
      await expect(client.callTool({ name: 'read' })).rejects.toThrow(/stopped/)
    })
  })
}
