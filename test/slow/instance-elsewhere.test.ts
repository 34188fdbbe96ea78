import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { BridgeLimits } from '../../src/bridge/index.ts'
import { createSessionMemory } from '../../src/bridge/index.ts'
import { Secret, type Instance, type SessionMemory } from '../../src/domain/index.ts'
import { createEndpointClient } from '../../src/forwarding/index.ts'
import { openInstance, type FarInstance, type InstanceDocument } from '../../src/runtimes/elsewhere/index.ts'
import { fixture } from '../bridge/bridge-server.ts'
import { continueSession, openSession, toolCall, type SessionClient } from '../bridge/session-client.ts'
import { endpointContract } from '../contract/endpoint.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { compileImageProgram, startImageProgram, type ImageProgram } from '../support/image-program.ts'
import { until } from '../support/until.ts'

const SECRET = 's'.repeat(43)
const CALLER = { subject: 'test', requestId: 'req_test' }

let program: ImageProgram
beforeAll(async () => {
  program = await compileImageProgram()
})
afterAll(async () => {
  await program[Symbol.asyncDispose]()
})

function documentOf(
  argv: readonly [string, ...string[]],
  limits: Partial<BridgeLimits> = {},
): InstanceDocument {
  return {
    deploymentId: 'dep_test',
    releaseId: 'rel_test',
    instanceId: 'ins_test',
    run: { kind: 'command', argv },
    credentials: { GIVEN: 'a value' },
    sealKey: Buffer.alloc(32, 7).toString('base64url'),
    processes: 'auto',
    stateful: false,
    era: null,
    tools: null,
    limits,
  }
}

interface Elsewhere extends FarInstance, AsyncDisposable {
  readonly lines: readonly string[]
  readonly url: URL
  readonly kill: () => Promise<void>
}

async function startElsewhere(
  document: InstanceDocument,
  sessions: SessionMemory = createSessionMemory(() => new Date()),
): Promise<Elsewhere> {
  const stack = new AsyncDisposableStack()
  const running = stack.use(await startImageProgram(program, SECRET, document))
  const client = createEndpointClient()
  stack.defer(() => client[Symbol.dispose]())
  const lines: string[] = []
  const { child } = running
  const kill = async (): Promise<void> => {
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
  const far = openInstance({
    id: document.instanceId,
    endpoint: client.connect(running.url, new Secret(SECRET)),
    output: (stream, line) => lines.push(`${stream}: ${line}`),
    sessions,
    whyEnded: async () => (child.exitCode !== null || child.signalCode !== null ? 'exited' : null),
    end: async () => {},
  })
  stack.defer(() => far.instance.stop(0))
  return { ...far, lines, url: running.url, kill, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

endpointContract('in a process elsewhere', async (limits) => {
  const far = await startElsewhere(documentOf(fixture('raw-server'), limits))
  await far.started
  return {
    endpoint: far.instance.endpoint,
    launches: null,
    [Symbol.asyncDispose]: () => far[Symbol.asyncDispose](),
  }
})

/** A door for clients, as the gateway is one. */
async function openDoor(instance: Instance): Promise<{ readonly url: string } & AsyncDisposable> {
  const server = createServer((req, res) => instance.endpoint.handle(req, res, CALLER))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  // A server that listens on TCP has an address with a port.
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function callTool(instance: Instance, name: string, input: object = {}): Promise<unknown> {
  const params = { name, arguments: { ...input } }
  return instance.endpoint.request('tools/call', params, CALLER, AbortSignal.timeout(20_000))
}

test('it does not start without a secret, nor with a short one', async () => {
  for (const secret of ['', 'short']) {
    const started = startImageProgram(program, secret, documentOf(fixture('raw-server')))
    await expect(started).rejects.toThrow('CATWALK_INSTANCE_SECRET')
  }
})

test('without the secret nothing is there but the sign of life', async () => {
  await using far = await startElsewhere(documentOf(fixture('raw-server')))
  await far.started
  expect((await fetch(new URL('/healthz', far.url))).status).toBe(200)
  for (const path of ['/mcp', '/request', '/probe', '/watch', '/stop', '/check', '/sessions', '/']) {
    for (const authorization of ['', 'Bearer ', `Bearer ${'x'.repeat(43)}`]) {
      const answer = await fetch(new URL(path, far.url), { method: 'POST', headers: { authorization } })
      expect(answer.status).toBe(404)
      await answer.arrayBuffer()
    }
  }
})

test('an end of the server is told as it was', async () => {
  const code = 'process.exitCode = 3'
  await using far = await startElsewhere(documentOf([process.execPath, '-e', code]))
  await far.started
  expect(await far.instance.ended).toEqual({ reason: 'exited', exitCode: 3, signal: null })
})

test('a machine that vanishes ends the instance, and answers who waits', async () => {
  await using far = await startElsewhere(documentOf(fixture('raw-server')))
  await far.started
  const waiting = catwalkErrorOf(callTool(far.instance, 'sleep', { ms: 60_000 }))
  await until('it has the call', () => (far.instance.idleMs() === null ? true : null))
  await far.kill()
  expect((await waiting).code).toBe('server_exited')
  expect(await far.instance.ended).toEqual({ reason: 'exited', exitCode: null, signal: null })
})

test('it is idle when nobody calls, and not while a call lasts', async () => {
  await using far = await startElsewhere(documentOf(fixture('raw-server')))
  await far.started
  const call = callTool(far.instance, 'sleep', { ms: 2_500 })
  await until('it is busy', () => (far.instance.idleMs() === null ? true : null))
  await call
  const idle = await until('it is idle', () => ((far.instance.idleMs() ?? 0) > 500 ? true : null))
  expect(idle).toBe(true)
  await far.instance.check(AbortSignal.timeout(10_000))
})

test('what a session leaves behind is kept by the installation, and asked for again in the next machine', async () => {
  const memory = createSessionMemory(() => new Date())
  const kept: string[] = []
  const sessions: SessionMemory = {
    ...memory,
    keep(id, note, expiresAt) {
      kept.push(id)
      return memory.keep(id, note, expiresAt)
    },
  }
  const document = documentOf(fixture('raw-server'))
  let session: SessionClient
  {
    await using first = await startElsewhere(document, sessions)
    await first.started
    await using door = await openDoor(first.instance)
    session = await openSession(door.url)
    await session.post({ jsonrpc: '2.0', id: 1, method: 'logging/setLevel', params: { level: 'warning' } })
    await until('the note has arrived', () => kept[0] ?? null)
  }
  await using second = await startElsewhere(document, sessions)
  await second.started
  await using door = await openDoor(second.instance)
  const next = continueSession(door.url, session.id, session.initialized, session.headers)
  expect((await next.post(toolCall(2, 'echo', { text: 'again' }))).status).toBe(200)
  expect((await next.end()).status).toBe(200)
  await until('the end has arrived', () => (kept[0] !== undefined && memory.isEnded(kept[0]) ? true : null))
})

test('a command that does not exist is told as such', async () => {
  await using far = await startElsewhere(documentOf(['/nonexistent/program']))
  expect((await catwalkErrorOf(far.started)).message).toContain('/nonexistent/program')
})
