import { fileURLToPath } from 'node:url'
import { startBridgeServer } from '../../src/bridge/index.ts'
import { reachingContract } from '../contract/runtime.ts'
import type { ReachingSetUp } from '../contract/reaching-runtime.ts'
import { remoteRuntime } from './remote-runtime.ts'
import { startLegacyRemote, startModernRemote, type RemoteServer } from './remote-servers.ts'

const EVALUATOR = fileURLToPath(new URL('fixtures/evaluator.cjs', import.meta.url))

async function setUp(startFar: () => Promise<RemoteServer>): Promise<ReachingSetUp> {
  const stack = new AsyncDisposableStack()
  const far = stack.use(await startFar())
  const stranger = stack.use(await startLegacyRemote())
  const evaluator = await startBridgeServer({
    command: [process.execPath, EVALUATOR],
    port: 0,
    host: '127.0.0.1',
  })
  stack.defer(() => evaluator.close(0))
  return {
    far,
    stranger,
    runtime: stack.use(remoteRuntime([far.url, evaluator.url])),
    evaluator: { kind: 'remote', url: evaluator.url },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

reachingContract('servers elsewhere, with sessions', () => setUp(startLegacyRemote))
reachingContract('servers elsewhere, without a handshake', () => setUp(() => startModernRemote('reject')))
