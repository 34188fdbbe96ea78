import { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { dialListed, dialPublic, EgressRefusal, type Network } from './dial.ts'

const never = new AbortController().signal

/** Names lead where the table says; connections are only written down. */
function fakeNetwork(
  names: Readonly<Record<string, readonly string[]>>,
  unreachable: readonly string[] = [],
) {
  const dialled: string[] = []
  let lookUps = 0
  const network: Network = {
    resolve: async (host) => {
      lookUps += 1
      return names[host] ?? []
    },
    connect: async (address, port) => {
      dialled.push(`${address}:${port}`)
      if (unreachable.includes(address)) throw new Error('unreachable')
      return new Socket()
    },
    ownAddresses: () => ['203.0.113.77', '8.8.4.4'],
  }
  return { network, dialled, lookUps: () => lookUps }
}

test('a name is looked up once and the very address that was checked is dialled', async () => {
  const { network, dialled, lookUps } = fakeNetwork({ 'example.com': ['93.184.215.14'] })
  await dialPublic(network)('example.com', 443, never)
  expect(dialled).toEqual(['93.184.215.14:443'])
  expect(lookUps()).toBe(1)
})

test.each([
  ['a private address', ['10.0.0.5']],
  ['the host itself, mapped', ['::ffff:127.0.0.1']],
  ['a public address first and a private one after it', ['93.184.215.14', '169.254.169.254']],
  ['an address of this machine that is public', ['8.8.4.4']],
])('a name that leads to %s is refused and nothing is dialled', async (_what, addresses) => {
  const { network, dialled } = fakeNetwork({ 'rebind.example': addresses })
  await expect(dialPublic(network)('rebind.example', 80, never)).rejects.toThrow(EgressRefusal)
  expect(dialled).toEqual([])
})

const notEight = (address: string) => !address.startsWith('192.168.8.')

test('a private address that was allowed is reached, one of this machine or of another kind never', async () => {
  const { network, dialled } = fakeNetwork({
    'home.example': ['192.168.7.20'],
    'both.example': ['192.168.7.20', '192.168.8.1'],
  })
  const dial = dialPublic({ ...network, mayReach: notEight, ownAddresses: () => ['192.168.7.1'] })
  await dial('home.example', 80, never)
  for (const host of [
    'both.example',
    '192.168.7.1',
    '127.0.0.1',
    '169.254.169.254',
    '::1',
    '::ffff:192.168.7.20',
  ]) {
    await expect(dial(host, 80, never)).rejects.toThrow(EgressRefusal)
  }
  expect(dialled).toEqual(['192.168.7.20:80'])
})

test('an address instead of a name is checked just so', async () => {
  const { network, dialled } = fakeNetwork({})
  await expect(dialPublic(network)('127.0.0.1', 80, never)).rejects.toThrow('loopback')
  await expect(dialPublic(network)('::1', 80, never)).rejects.toThrow('loopback')
  await dialPublic(network)('93.184.215.14', 80, never)
  expect(dialled).toEqual(['93.184.215.14:80'])
})

test('the next address is tried when one cannot be reached', async () => {
  const { network, dialled } = fakeNetwork({ 'example.com': ['93.184.215.14', '93.184.215.15'] }, [
    '93.184.215.14',
  ])
  await dialPublic(network)('example.com', 443, never)
  expect(dialled).toEqual(['93.184.215.14:443', '93.184.215.15:443'])
})

test('a name without an address is an error, not a refusal', async () => {
  const { network } = fakeNetwork({})
  await expect(dialPublic(network)('nowhere.example', 80, never)).rejects.toThrow('no address')
})

test('installations reach the listed registries, also private ones, and nothing else', async () => {
  const { network, dialled } = fakeNetwork({ 'registry.internal': ['10.1.2.3'] })
  const dial = dialListed(new Set(['registry.internal:443', '127.0.0.1:4873']), network)
  await dial('Registry.internal', 443, never)
  await dial('127.0.0.1', 4873, never)
  expect(dialled).toEqual(['10.1.2.3:443', '127.0.0.1:4873'])
  await expect(dial('registry.internal', 80, never)).rejects.toThrow(EgressRefusal)
  await expect(dial('example.com', 443, never)).rejects.toThrow(EgressRefusal)
})
