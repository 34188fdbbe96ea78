import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readdir, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Secret, type Instance, type InstanceInput, type NetworkPolicy } from '../../src/domain/index.ts'
import { connect as connectDirectly, type Network } from '../../src/network/index.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { CALLER, evaluate, readUnproxied, releaseOf, talk } from '../runtimes/release.ts'
import { startDockerRuntime, type DockerRuntimeUnderTest } from './docker-runtime.ts'

// What a hostile server tries, from the inside of a container.

const never = new AbortController().signal
let subject: DockerRuntimeUnderTest
let lockFile: string
let publicPort = 0
/** A public host whose address leads to a server of the test, and a name that leads into a private network. */
const testInternet: Network = {
  resolve: async (host) => [host === 'public.example' ? '93.184.215.14' : '192.168.1.1'],
  connect: async (_address, _port, signal) => connectDirectly('127.0.0.1', publicPort, signal),
  ownAddresses: () => [],
}

const HOME_MIB = 16

beforeAll(async () => {
  subject = await startDockerRuntime({ network: testInternet, homeMiB: HOME_MIB })
  const release = releaseOf(subject.packageOf('@fixture/evaluator', 'evaluator'))
  ;({ lockFile } = await subject.runtime.prepare(release.prepare, never))
})
afterAll(async () => {
  await subject[Symbol.asyncDispose]()
})

type Running = Instance & AsyncDisposable & { readonly lines: readonly { readonly line: string }[] }

async function startEvaluator(
  network: NetworkPolicy = 'none',
  changes: Partial<InstanceInput> = {},
): Promise<Running> {
  const release = releaseOf(subject.packageOf('@fixture/evaluator', 'evaluator'), { network })
  const instance = await subject.runtime.start(release.start(lockFile, changes), never)
  return {
    ...instance,
    lines: release.lines,
    [Symbol.asyncDispose]: async () => {
      await instance.stop(500)
      await subject.runtime.purge(release.prepare.deploymentId, never)
    },
  }
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return typeof address === 'object' ? (address?.port ?? 0) : 0
}

/** Code that fetches the root of a host. */
function read(host: string): string {
  return `return await fetch('http://${host}/').then(
    async (answer) => [answer.status, await answer.text()],
    (error) => 'failed: ' + error.cause)`
}

test("the host's files, the data directory and other homes are not there", async () => {
  await writeFile(join(subject.dataDir, 'secret.txt'), 'secret')
  await using other = await startEvaluator()
  await evaluate(other, "require('fs').writeFileSync('secret.txt', 'other')")
  await using instance = await startEvaluator()
  const paths = [
    subject.dataDir,
    join(subject.dataDir, 'secret.txt'),
    '/var/run/docker.sock',
    '/etc/shadow',
    '/root',
  ]
  const look = `const { readdirSync, readFileSync } = require('fs')
    return ${JSON.stringify(paths)}.map((path) => { try { return readdirSync(path) } catch (error) { try { return readFileSync(path, 'utf8') } catch (e) { return e.code } } })`
  const seen = (await evaluate(instance, look)) as unknown[]
  expect(seen.every((one) => one === 'ENOENT' || one === 'EACCES')).toBe(true)
  expect(await evaluate(instance, "return require('fs').readdirSync('/home/server')")).toEqual([])
})

test('only its home, /tmp and shared memory can be written', async () => {
  await using instance = await startEvaluator()
  const attempt = async (directories: readonly string[]): Promise<unknown> =>
    evaluate(
      instance,
      `const { writeFileSync } = require('fs')
       return ${JSON.stringify(directories)}.filter((directory) => {
         try { writeFileSync(directory + '/x', 'x'); return true } catch (error) { return false }
       })`,
    )
  expect(
    await attempt(['/', '/etc', '/usr', '/opt/catwalk/package', '/opt/catwalk/toolchain', '/dev']),
  ).toEqual([])
  const writable = ['/home/server', '/tmp', '/dev/shm']
  expect(await attempt(writable)).toEqual(writable)
})

test('no other process can be seen, no capability is left, and no new privilege can be had', async () => {
  await using instance = await startEvaluator('internet')
  const pids = await evaluate(
    instance,
    "return require('fs').readdirSync('/proc').filter((name) => /^\\d+$/.test(name)).length",
  )
  // The engine's init, the relay to the egress proxy, the server.
  expect(pids).toBeLessThanOrEqual(3)
  const status = await evaluate(instance, "return require('fs').readFileSync('/proc/self/status', 'utf8')")
  expect(status).toMatch(/^CapEff:\t0+$/m)
  expect(status).toMatch(/^CapBnd:\t0+$/m)
  expect(status).toMatch(/^NoNewPrivs:\t1$/m)
  expect(status).toMatch(/^Seccomp:\t2$/m)
  expect(await evaluate(instance, 'return process.getuid()')).not.toBe(0)
})

test("a server's secrets are in its own process only: the engine is not told of them", async () => {
  const secret = `secret-${randomUUID()}`
  await using instance = await startEvaluator('none', { credentials: new Map([['KEY', new Secret(secret)]]) })
  expect(await evaluate(instance, 'return process.env.KEY')).toBe(secret)
  const containers = await subject.engine.docker.listContainers({ all: true })
  const told = await Promise.all(
    containers.map(async ({ Id: id }) => subject.engine.docker.getContainer(id).inspect()),
  )
  expect(JSON.stringify(told)).toContain('catwalk.installation')
  expect(JSON.stringify(told)).not.toContain(secret)
})

test('with the policy none there is loopback and nothing else', async () => {
  await using instance = await startEvaluator('none')
  expect(await evaluate(instance, "return Object.keys(require('os').networkInterfaces())")).toEqual(['lo'])
  const out = "return await fetch('http://192.0.2.1/').then(() => 'reached', (e) => e.cause?.code)"
  expect(await evaluate(instance, out)).toMatch(/^E(NETUNREACH|HOSTUNREACH)$/)
})

test.each(['none', 'internet'] as const)(
  "the host's loopback cannot be reached with the policy %s",
  async (network) => {
    const server = createServer((_req, res) => res.end('host'))
    const port = await listen(server)
    try {
      await using instance = await startEvaluator(network)
      const direct = `const { connect } = require('net'); return await new Promise((resolve) => connect(${port}, '127.0.0.1').on('connect', () => resolve('connected')).on('error', (e) => resolve(e.code)))`
      expect(await evaluate(instance, direct)).toBe('ECONNREFUSED')
      if (network === 'none') return
      const viaProxy = `const http = require('http'); return await new Promise((resolve, reject) => http.get({ host: '127.0.0.1', port: 3128, path: 'http://127.0.0.1:${port}/' }, (res) => resolve(res.statusCode)).on('error', reject))`
      expect(await evaluate(instance, viaProxy)).toBe(403)
      expect(instance.lines.map(({ line }) => line)).toContain(
        `The server was refused a connection to 127.0.0.1:${port}: 127.0.0.1 is not on the public internet: loopback address.`,
      )
    } finally {
      server.close()
    }
  },
)

test('with the policy internet a program that honours the proxy reaches public hosts, by name', async () => {
  const server = createServer((req, res) => res.end(`hello ${req.headers.host}`))
  publicPort = await listen(server)
  try {
    await using instance = await startEvaluator('internet')
    expect(await evaluate(instance, read('public.example'))).toEqual([200, 'hello public.example'])
    expect(await evaluate(instance, read('private.example'))).toMatch(/^failed: /)
  } finally {
    server.close()
    server.closeAllConnections()
  }
})

test('with a list of hosts it reaches these, at their ports, and nothing else', async () => {
  const server = createServer((req, res) => res.end(`hello ${req.headers.host}`))
  publicPort = await listen(server)
  try {
    await using instance = await startEvaluator(['public.example:80', 'private.example:80'])
    expect(await evaluate(instance, read('public.example'))).toEqual([200, 'hello public.example'])
    for (const host of ['public.example:8080', 'other.example', 'private.example', '93.184.215.14']) {
      expect(await evaluate(instance, read(host))).toMatch(/^failed: /)
    }
    expect(instance.lines.map(({ line }) => line)).toContain(
      'The server was refused a connection to other.example:80: it is not in the allow-list.',
    )
  } finally {
    server.close()
    server.closeAllConnections()
  }
})

test('programs that know nothing of proxies reach listed hosts by name: Node and plain TCP', async () => {
  const server = createServer((req, res) => res.end(`hello ${req.headers.host}`))
  publicPort = await listen(server)
  try {
    await using instance = await startEvaluator([
      'public.example:80',
      'public.example:5432',
      'private.example:80',
    ])
    expect(await evaluate(instance, readUnproxied('public.example', 80))).toBe('hello public.example')
    expect(await evaluate(instance, talk('public.example', 5432))).toMatch(/^HTTP\/1\.1 200 OK[^]*hello db$/)
    // A name that is not listed does not exist, nor does a port that is not; a private address stays one.
    expect(await evaluate(instance, readUnproxied('other.example', 80))).toBe('ENOTFOUND')
    expect(await evaluate(instance, readUnproxied('public.example', 443))).toBe('ECONNREFUSED')
    expect(await evaluate(instance, readUnproxied('private.example', 80))).toBe('ECONNRESET')
    // Addresses that were given to no name here lead nowhere.
    expect(await evaluate(instance, readUnproxied('127.64.9.9', 80))).toBe('ECONNRESET')
    expect(instance.lines.map(({ line }) => line)).toContainEqual(
      expect.stringMatching(/private\.example:80: 192\.168\.1\.1 .*private address/),
    )
  } finally {
    server.close()
    server.closeAllConnections()
  }
})

test('a fork bomb stays within its limit', async () => {
  await using instance = await startEvaluator()
  const forked = await evaluate(
    instance,
    `const { spawn } = require('child_process'); let n = 0
     for (; n < 400; n += 1) { const c = spawn('/bin/cat', [], { stdio: ['pipe', 'ignore', 'ignore'] }); c.on('error', () => {}); if (c.pid === undefined) break }
     return n`,
  )
  expect(forked).toBeGreaterThan(100)
  expect(forked).toBeLessThan(256)
})

test('what fills the disk is ended at what its home may take, one file already before that, and a neighbour serves on', async () => {
  await using neighbour = await startEvaluator()
  await using instance = await startEvaluator()
  const file = `const fs = require('fs'); const block = Buffer.alloc(1 << 20, 1); const f = fs.openSync('/tmp/big', 'w')
    for (let n = 0; n < 64; n += 1) { try { fs.writeSync(f, block) } catch (e) { return [e.code, n] } } return ['all', 64]`
  expect(await evaluate(instance, file)).toEqual(['EFBIG', HOME_MIB])
  const files = `const fs = require('fs'); const block = Buffer.alloc(1 << 20, 1)
    for (let n = 0; n < ${HOME_MIB + 8}; n += 1) fs.writeFileSync('file-' + n, block)
    return await new Promise(() => {})`
  const call = ['tools/call', { name: 'evaluate', arguments: { code: files } }, CALLER] as const
  const error = await catwalkErrorOf(instance.endpoint.request(...call, AbortSignal.timeout(20_000)))
  expect(error.code).toBe('home_full')
  expect(await instance.ended).toMatchObject({ reason: 'home_full' })
  expect(await evaluate(neighbour, 'return 1')).toBe(1)
})

test('nothing is left of an instance but its home: no container, no socket', async () => {
  {
    await using instance = await startEvaluator('internet')
    expect(await evaluate(instance, 'return 1')).toBe(1)
    expect(await readdir(join(subject.dataDir, 'docker', 'egress'))).toHaveLength(1)
  }
  expect(await subject.engine.docker.listContainers({ all: true })).toEqual([])
  expect(await readdir(join(subject.dataDir, 'docker', 'egress'))).toEqual([])
})
