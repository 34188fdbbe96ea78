import { describe, expect, test } from 'vitest'
import { overStreamableHttp } from '../clients/first-sdk.ts'
import { CALLER } from '../runtimes/release.ts'
import { standInFront } from '../runtimes/remote-runtime.ts'
import { startLegacyRemote, startModernRemote, startSseRemote } from '../runtimes/remote-servers.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { until } from '../support/until.ts'

const LEGACY = [
  { name: 'legacy', start: startLegacyRemote },
  { name: 'HTTP+SSE', start: startSseRemote },
]
const SERVERS = [
  ...LEGACY,
  { name: 'modern', start: () => startModernRemote('reject') },
  { name: 'dual', start: () => startModernRemote('stateless') },
]
const never = new AbortController().signal

describe.each(LEGACY)('a remote $name server', ({ start }) => {
  test('that is away is said to be away, and answers again when it is back', async () => {
    await using server = await start()
    await using way = await standInFront(server.url)
    await using client = await overStreamableHttp(way.url, false)
    await client.tools()
    await server.goAway()
    await expect(client.call('echo', { text: 'x' })).rejects.toThrow(/cannot be reached|ended the session/)
    const error = await catwalkErrorOf(way.instance.check(never))
    expect(error.code).toBe('remote_unavailable')
    await server.comeBack()
    await until('it answers', () => client.call('echo', { text: 'back' }).catch(() => null))
    await way.instance.check(AbortSignal.timeout(10_000))
  })
})

describe.each(SERVERS)('from a remote $name server', ({ start }) => {
  test('an answer of 20 MiB arrives whole, one over the limit is an error of its own call', async () => {
    await using server = await start()
    await using way = await standInFront(server.url, { maxMessageBytes: 24 * 1_048_576 })
    const big = async (mib: number) =>
      way.instance.endpoint.request('tools/call', { name: 'big', arguments: { mib } }, CALLER, never)
    const whole = await big(20)
    expect(JSON.stringify(whole).length).toBeGreaterThan(20 * 1_048_576)
    expect((await catwalkErrorOf(big(25))).code).toBe('server_not_mcp')
    expect(JSON.stringify(await big(1)).length).toBeGreaterThan(1_048_576)
  })
})
