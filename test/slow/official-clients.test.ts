import { afterAll, beforeAll, describe } from 'vitest'
import { startBridgeServer, type BridgeServer } from '../../src/bridge/index.ts'
import { startCuttable, type Cuttable } from '../clients/cuttable.ts'
import { MODES } from '../clients/modes.ts'
import { playScript } from '../clients/script.ts'
import { fixturePath } from '../conformance/package-fixture.ts'
import { deployFixture, startWithFixtures } from '../conformance/through-endpoint.ts'
import { FIXTURES } from '../conformance/vocabulary.ts'

describe.each(FIXTURES)('a %s server behind the bridge', (server) => {
  let bridge: BridgeServer
  let way: Cuttable

  beforeAll(async () => {
    const command = [process.execPath, fixturePath(server)] as const
    bridge = await startBridgeServer({ command, port: 0, host: '127.0.0.1' })
    way = await startCuttable(bridge.url)
  })
  afterAll(async () => {
    await way[Symbol.asyncDispose]()
    await bridge.close(0)
  })

  const stage = { server, way: () => way, direct: () => bridge.url }
  describe.each(MODES)('and $name', (mode) => {
    playScript(mode, stage)
  })
})

const DEPLOYED = ['legacy', 'dual'] as const
const THROUGH_ENDPOINT = [
  'sdk 1.32 over Streamable HTTP',
  'sdk 1.32 over HTTP+SSE',
  'client 2.4, negotiating',
]

describe('through a deployed endpoint', () => {
  const stack = new AsyncDisposableStack()
  const endpoints = new Map<string, { way: Cuttable; endpoint: string; token: string }>()

  beforeAll(async () => {
    const program = await startWithFixtures(DEPLOYED, stack)
    for (const server of DEPLOYED) {
      const deployed = await deployFixture(program, server)
      if ('failed' in deployed) throw new Error(deployed.failed)
      endpoints.set(server, { ...deployed, way: stack.use(await startCuttable(deployed.endpoint)) })
    }
  })
  afterAll(() => stack.disposeAsync())

  describe.each(DEPLOYED)('a %s server', (server) => {
    const deployed = () => {
      const found = endpoints.get(server)
      if (found === undefined) throw new Error(`${server} was not deployed`)
      return found
    }
    const stage = {
      server,
      way: () => deployed().way,
      direct: () => deployed().endpoint,
      headers: () => ({ authorization: `Bearer ${deployed().token}` }),
    }
    const modes = MODES.filter(({ name }) => THROUGH_ENDPOINT.includes(name))
    describe.each(modes)('and $name', (mode) => {
      playScript(mode, stage)
    })
  })
})
