import { describe, expect, test } from 'vitest'
import { until } from '../support/until.ts'
import { MODES } from '../clients/modes.ts'
import { overStreamableHttp } from '../clients/first-sdk.ts'
import { standInFront } from './remote-runtime.ts'
import { startLegacyRemote, startModernRemote, startSseRemote } from './remote-servers.ts'

const SERVERS = [
  { name: 'legacy', start: startLegacyRemote },
  { name: 'HTTP+SSE', start: startSseRemote },
  { name: 'modern', start: () => startModernRemote('reject') },
  { name: 'dual', start: () => startModernRemote('stateless') },
]
const CLIENTS = MODES.filter(({ name }) =>
  ['sdk 1.32 over Streamable HTTP', 'client 2.4, legacy', 'client 2.4, pinned'].includes(name),
)

describe.each(SERVERS)('a remote $name server', ({ start }) => {
  test.each(CLIENTS)('is reached by $name', async ({ connect }) => {
    await using server = await start()
    await using way = await standInFront(server.url)
    await using client = await connect(way.url, false)
    expect(await client.tools()).toContain('echo')
    expect(await client.call('echo', { text: 'grüße' })).toBe('grüße')
  })
})

const LEGACY = SERVERS.filter(({ name }) => name === 'legacy' || name === 'HTTP+SSE')
describe.each(LEGACY)('a remote $name server', ({ start }) => {
  test('asks its client during a call, of either era', async () => {
    await using server = await start()
    await using way = await standInFront(server.url)
    for (const mode of CLIENTS) {
      await using client = await mode.connect(way.url, true)
      expect(await client.call('ask')).toContain('accept')
      expect(client.asked).toEqual(['form'])
    }
  })

  test('reports progress to the call that asked for it', async () => {
    await using server = await start()
    await using way = await standInFront(server.url)
    await using client = await overStreamableHttp(way.url, false)
    const heard: number[] = []
    await client.call('report', {}, { onProgress: (progress) => heard.push(progress) })
    expect(heard).toEqual([1, 2, 3])
  })

  test('that is restarted is found again, and its clients go on in their sessions', async () => {
    await using server = await start()
    await using way = await standInFront(server.url)
    await using client = await overStreamableHttp(way.url, false)
    expect(await client.call('echo', { text: 'before' })).toBe('before')
    await server.restart()
    expect(await client.call('echo', { text: 'after' })).toBe('after')
    expect(way.log()).toContain('a new one was opened')
  })

  test('that says that its tools changed is heard', async () => {
    await using server = await start()
    await using way = await standInFront(server.url)
    await using client = await overStreamableHttp(way.url, false)
    await client.tools()
    await until('the change is heard', () => {
      server.change()
      return client.heard.includes('tools/list_changed') || null
    })
    expect(client.heard).toContain('tools/list_changed')
  })
})
