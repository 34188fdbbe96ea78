import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  allowRanges,
  CatwalkError,
  Secret,
  type Instance,
  type InstanceInput,
  type NetworkPolicy,
} from '../../src/domain/index.ts'
import { strayProcesses } from '../support/processes.ts'
import { until } from '../support/until.ts'
import { connect as connectDirectly, type Network } from '../../src/network/index.ts'
import { evaluate, readUnproxied, releaseOf, talk } from './release.ts'
import { startLocalRuntime, type LocalRuntimeUnderTest } from './local-runtime.ts'

// What a hostile server tries, from the inside.

const never = new AbortController().signal
let subject: LocalRuntimeUnderTest
let lockFile: string

let publicPort = 0
/** Hosts that lead to a server of the test: a public one, one in a private network that was allowed, and others that were not. */
const ADDRESSES = new Map([
  ['public.example', '93.184.215.14'],
  ['home.example', '192.168.7.20'],
])
const testInternet: Network = {
  resolve: async (host) => [ADDRESSES.get(host) ?? '192.168.1.1'],
  connect: async (_address, _port, signal) => connectDirectly('127.0.0.1', publicPort, signal),
  ownAddresses: () => [],
}

beforeAll(async () => {
  subject = await startLocalRuntime({
    network: testInternet,
    mayReach: allowRanges(['192.168.7.0/24']),
  })
  const status = await subject.runtime.status(never)
  if (!status.ok) throw new Error(`${status.reason} ${status.fix}`)
  const release = releaseOf(subject.packageOf('@fixture/evaluator', 'evaluator'))
  ;({ lockFile } = await subject.runtime.prepare(release.prepare, never))
})
afterAll(async () => {
  await subject[Symbol.asyncDispose]()
})

async function startEvaluator(
  network: NetworkPolicy = 'none',
  changes: Partial<InstanceInput> = {},
): Promise<
  Instance & AsyncDisposable & { readonly deploymentId: string; readonly lines: readonly { line: string }[] }
> {
  const release = releaseOf(subject.packageOf('@fixture/evaluator', 'evaluator'), { network })
  const instance = await subject.runtime.start(release.start(lockFile, changes), never)
  return {
    ...instance,
    deploymentId: release.prepare.deploymentId,
    lines: release.lines,
    [Symbol.asyncDispose]: async () => {
      await instance.stop(500)
      const end = await instance.ended
      const said = release.lines.map(({ line }) => line).join('\n')
      if (end.reason === 'exited')
        throw new Error(`the server ended by itself (${JSON.stringify(end)}): ${said}`)
      await subject.runtime.purge(release.prepare.deploymentId, never)
    },
  }
}

/** Command line and environment of every process of the host, as far as they can be read. */
async function hostProcesses(): Promise<{ pid: number; command: string; environment: string }[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  return Promise.all(
    pids.map(async (pid) => ({
      pid,
      command: await readProcess(pid, 'cmdline'),
      environment: await readProcess(pid, 'environ'),
    })),
  )
}

async function readProcess(pid: number, file: string): Promise<string> {
  return readFile(`/proc/${pid}/${file}`, 'latin1').catch(() => '')
}

describe('files', () => {
  test("the data directory, other homes and the host's secrets are not there", async () => {
    await using other = await startEvaluator()
    await evaluate(other, "require('fs').writeFileSync('secret.txt', 'other')")
    await using instance = await startEvaluator()
    const home = join(subject.dataDir, 'deployments', other.deploymentId, 'home')
    expect((await stat(join(home, 'secret.txt'))).isFile()).toBe(true)
    const paths = [
      subject.dataDir,
      home,
      join(home, 'secret.txt'),
      '/etc/shadow',
      '/root',
      '/var/lib',
      '/sys',
    ]
    const look = `const { readdirSync } = require('fs')
      return ${JSON.stringify(paths)}.map((path) => { try { return readdirSync(path) } catch (error) { return error.code } })`
    expect(await evaluate(instance, look)).toEqual(paths.map(() => 'ENOENT'))
  })

  test('only its home, /tmp and shared memory can be written', async () => {
    await using instance = await startEvaluator()
    const attempt = async (directories: readonly string[]): Promise<unknown> =>
      evaluate(
        instance,
        `const { writeFileSync } = require('fs')
         return ${JSON.stringify(directories)}.filter((directory) => {
           try { writeFileSync(directory + '/x', 'x'); return true } catch (error) { return error.code === 'ENOENT' }
         })`,
      )
    const readOnly = [
      '/',
      '/etc',
      '/usr',
      '/opt/catwalk',
      '/opt/catwalk/package',
      '/opt/catwalk/toolchain',
      '/dev',
    ]
    expect(await attempt([...readOnly, '/run', '/home', '/var'])).toEqual([])
    const writable = ['/home/server', '/tmp', '/dev/shm', '/var/tmp']
    expect(await attempt(writable)).toEqual(writable)
  })

  test('/tmp is limited in size', async () => {
    await using instance = await startEvaluator()
    const fill =
      "const fs = require('fs'); const f = fs.openSync('/tmp/big', 'w'); fs.ftruncateSync(f, 0); let n = 0; const b = Buffer.alloc(1 << 20); try { for (; n < 300; n += 1) fs.writeSync(f, b) } catch (e) { return e.code } return n"
    // The memory limit counts /tmp as well; whichever comes first, it does not fill the host's memory.
    const outcome = await evaluate(instance, fill).catch(() => 'ended')
    expect(['ENOSPC', 'ended']).toContain(outcome)
  })

  test('users inside are made up and say nothing about the host', async () => {
    await using instance = await startEvaluator()
    const seen = await evaluate(
      instance,
      "const os = require('os'); return [process.getuid(), os.userInfo().username, os.hostname(), process.getgroups()]",
    )
    expect(seen).toEqual([1000, 'server', 'server', [1000]])
    const users = await evaluate(
      instance,
      "return require('fs').readFileSync('/etc/passwd', 'utf8').split('\\n').length",
    )
    expect(users).toBe(4)
  })
})

describe('processes', () => {
  // Without a network bubblewrap becomes the server itself; with one, an init that opens ports does.
  const ways: readonly NetworkPolicy[] = ['none', 'internet']
  test.each(ways)(
    "no process of the host can be seen, and none that confines it has the server's variables: network %s",
    async (network) => {
      const secret = `secret-${randomUUID()}`
      await using instance = await startEvaluator(network, {
        credentials: new Map([['KEY', new Secret(secret)]]),
      })
      const seen = await evaluate(
        instance,
        "const fs = require('fs'); return fs.readdirSync('/proc').filter((n) => /^\\d+$/.test(n)).map((n) => [Number(n), fs.readFileSync('/proc/' + n + '/comm', 'utf8').trim(), (() => { try { return fs.readFileSync('/proc/' + n + '/environ', 'utf8') } catch (e) { return e.code } })()])",
      )
      const [first, own, ...rest] = seen as [number, string, string][]
      expect(first?.slice(0, 2)).toEqual([1, 'bwrap'])
      expect(first?.[2]).not.toContain(secret)
      expect(own?.[2]).toContain(secret)
      expect(rest).toEqual([])

      const holders = (await hostProcesses()).filter(({ environment }) => environment.includes(secret))
      expect(holders).toHaveLength(1)
    },
  )

  test('a start that is given up at any moment ends at once, and nothing of it is left', async () => {
    const release = releaseOf(subject.packageOf('@fixture/evaluator', 'evaluator'))
    let given = 0
    for (let afterMs = 0; afterMs < 60; afterMs += 1) {
      const reason = new Error(`given up after ${afterMs} ms`)
      const stop = new AbortController()
      const timer = setTimeout(() => stop.abort(reason), afterMs)
      const outcome = await Promise.race([
        subject.runtime.start(release.start(lockFile), stop.signal).catch((error: unknown) => error),
        new Promise((resolve) => setTimeout(resolve, 5_000, 'still starting')),
      ])
      clearTimeout(timer)
      expect(outcome).not.toBe('still starting')
      if (outcome === reason) given += 1
      await subject.runtime.purge(release.prepare.deploymentId, never)
    }
    expect(given).toBeGreaterThan(10)
    expect(await strayProcesses(subject.dataDir)).toEqual([])
  })

  test.each(ways)('no secret is in a command line: network %s', async (network) => {
    const secret = `secret-${randomUUID()} "quoted" --bind / /`
    await using instance = await startEvaluator(network, {
      credentials: new Map([['KEY', new Secret(secret)]]),
    })
    expect(await evaluate(instance, 'return process.env.KEY')).toBe(secret)
    const lines = (await hostProcesses()).filter(({ command }) => command.includes(secret))
    expect(lines).toEqual([])
  })

  test("a secret argument is in the command line of the server's own process only", async () => {
    const secret = `secret-${randomUUID()}`
    const { spec } = releaseOf(subject.packageOf('@fixture/evaluator', 'evaluator')).prepare
    await using instance = await startEvaluator('none', {
      spec: { ...spec, userArgs: [{ prefix: '', credential: 'arg:key' }] },
      credentials: new Map([['arg:key', new Secret(secret)]]),
    })
    expect(await evaluate(instance, 'return process.argv.at(-1)')).toBe(secret)
    const holders = (await hostProcesses()).filter(({ command }) => command.includes(secret))
    expect(holders).toHaveLength(1)
  })

  test.each(ways)(
    'nothing of ours is open in it but standard input, output and error: network %s',
    async (network) => {
      await using instance = await startEvaluator(network)
      // Node may still be reading the system's certificates, below /usr or /etc/ssl.
      const open = await evaluate(
        instance,
        "const fs = require('fs'); return fs.readdirSync('/proc/self/fd').map((n) => { try { return [n, fs.readlinkSync('/proc/self/fd/' + n)] } catch { return null } }).filter(Boolean).filter(([n, t]) => Number(n) > 2 && !/^(anon_inode|pipe|socket):|^\\/dev\\/null$|^\\/(?:usr|etc\\/ssl)\\//.test(t))",
      )
      expect(open).toEqual([])
      const inherited = await evaluate(
        instance,
        "const fs = require('fs'); return fs.readdirSync('/proc/self/fd').filter((n) => { if (Number(n) < 3) return false; try { return !/^\\/(?:usr|etc\\/ssl)\\//.test(fs.readlinkSync('/proc/self/fd/' + n)) && (parseInt(/flags:\\s*(\\d+)/.exec(fs.readFileSync('/proc/self/fdinfo/' + n, 'utf8'))[1], 8) & 0o2000000) === 0 } catch { return false } })",
      )
      expect(inherited).toEqual([])
    },
  )

  test('system calls that have let programs out of sandboxes are refused', async () => {
    await using instance = await startEvaluator()
    const outcomes = await evaluate(
      instance,
      `const { spawnSync } = require('child_process')
       const run = (file, args) => { const r = spawnSync(file, args); return r.error ? r.error.code : r.status === 0 ? 'worked' : 'refused' }
       return {
         userNamespace: run('/usr/bin/unshare', ['--user', 'true']),
         mount: run('/bin/mount', ['-t', 'tmpfs', 'none', '/tmp']),
         nested: run('/usr/bin/bwrap', ['--ro-bind', '/', '/', 'true']),
         enter: run('/usr/bin/nsenter', ['--target', '1', '--user', 'true']),
         ordinary: run('/bin/true', []),
       }`,
    )
    expect(outcomes).toEqual({
      userNamespace: 'refused',
      mount: 'refused',
      nested: 'refused',
      enter: 'refused',
      ordinary: 'worked',
    })
    const status = await evaluate(instance, "return require('fs').readFileSync('/proc/self/status', 'utf8')")
    expect(status).toMatch(/^CapEff:\t0+$/m)
    expect(status).toMatch(/^CapBnd:\t0+$/m)
    expect(status).toMatch(/^NoNewPrivs:\t1$/m)
    expect(status).toMatch(/^Seccomp:\t2$/m)
  })

  test('as root, each deployment has a user of its own on the host', async () => {
    if (process.getuid?.() !== 0) return
    await using first = await startEvaluator()
    await using second = await startEvaluator()
    const owner = async (id: string): Promise<number> =>
      (await stat(join(subject.dataDir, 'deployments', id, 'home'))).uid
    const uids = [await owner(first.deploymentId), await owner(second.deploymentId)]
    expect(uids[0]).toBeGreaterThan(200_000)
    expect(uids[1]).not.toBe(uids[0])
    const modes = await stat(join(subject.dataDir, 'deployments', first.deploymentId))
    expect(modes.mode & 0o777).toBe(0o700)
  })

  test('what a server started and left in the background ends with it', async () => {
    const mark = `mark-${randomUUID()}`
    {
      await using instance = await startEvaluator()
      await evaluate(
        instance,
        `require('child_process').spawn(process.execPath, ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)', '${mark}'], { detached: true, stdio: 'ignore' }).unref()`,
      )
      await until('the child runs', async () =>
        (await hostProcesses()).some(({ command }) => command.includes(mark)) ? true : null,
      )
    }
    expect((await hostProcesses()).filter(({ command }) => command.includes(mark))).toEqual([])
  })

  test('a fork bomb stays within its limit', async () => {
    await using instance = await startEvaluator()
    const forked = await evaluate(
      instance,
      `const { spawn } = require('child_process'); let n = 0
       for (; n < 400; n += 1) { const c = spawn('/bin/sleep', ['60']); c.on('error', () => {}); if (c.pid === undefined) break }
       return n`,
    )
    expect(forked).toBeGreaterThan(100)
    expect(forked).toBeLessThan(256)
  })
})

/** Code that fetches the root of a host. */
function read(host: string): string {
  return `return await fetch('http://${host}/').then(
    async (answer) => [answer.status, await answer.text()],
    (error) => 'failed: ' + error.cause)`
}

/** Code that fetches the root of a host with a Python that has no proxy variables. */
function readWithPython(host: string): string {
  return `const { execFileSync } = require('child_process')
    return execFileSync('python3', ['-c', 'import urllib.request; print(urllib.request.urlopen("http://${host}/").read().decode(), end="")'], { encoding: 'utf8', env: { PATH: process.env.PATH } })`
}

describe('the network', () => {
  const policies: readonly NetworkPolicy[] = ['none', 'internet']
  test.each(policies)("the host's loopback cannot be reached with the policy %s", async (network) => {
    const server = createServer((_req, res) => res.end('host'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0
    try {
      await using instance = await startEvaluator(network)
      for (const host of ['127.0.0.1', 'localhost']) {
        const direct = `const { connect } = require('net'); return await new Promise((resolve) => connect(${port}, '${host}').on('connect', () => resolve('connected')).on('error', (e) => resolve(e.code)))`
        expect(await evaluate(instance, direct)).toBe('ECONNREFUSED')
      }
      if (network === 'none') return
      // A client that insists on using the proxy for this address as well.
      const viaProxy = `const http = require('http'); return await new Promise((resolve, reject) => http.get({ host: '127.0.0.1', port: 3128, path: 'http://127.0.0.1:${port}/' }, (res) => resolve(res.statusCode)).on('error', reject))`
      expect(await evaluate(instance, viaProxy)).toBe(403)
      expect(instance.lines.map(({ line }) => line)).toContain(
        `The server was refused a connection to 127.0.0.1:${port}: 127.0.0.1 is not on the public internet: loopback address.`,
      )
    } finally {
      server.close()
    }
  })

  test('with the policy internet a program that honours the proxy reaches public hosts and allowed private ones, by name', async () => {
    const server = createServer((req, res) => res.end(`hello ${req.headers.host}`))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    publicPort = typeof address === 'object' ? (address?.port ?? 0) : 0
    try {
      await using instance = await startEvaluator('internet')
      expect(await evaluate(instance, read('public.example'))).toEqual([200, 'hello public.example'])
      expect(await evaluate(instance, read('home.example'))).toEqual([200, 'hello home.example'])
      expect(await evaluate(instance, read('private.example'))).toMatch(/^failed: /)
      expect(instance.lines.map(({ line }) => line)).toContainEqual(
        expect.stringMatching(/private\.example:80: 192\.168\.1\.1 .*private address/),
      )
    } finally {
      server.close()
      server.closeAllConnections()
    }
  })

  test('with a list of hosts it reaches these, at their ports, and what is refused is said and counted', async () => {
    const server = createServer((req, res) => res.end(`hello ${req.headers.host}`))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    publicPort = typeof address === 'object' ? (address?.port ?? 0) : 0
    try {
      const instance = await startEvaluator(['public.example:80', 'private.example:80'])
      try {
        expect(await evaluate(instance, read('public.example'))).toEqual([200, 'hello public.example'])
        for (const host of ['public.example:8080', 'other.example', 'private.example', '93.184.215.14']) {
          expect(await evaluate(instance, read(host))).toMatch(/^failed: /)
        }
      } finally {
        await instance[Symbol.asyncDispose]()
      }
      const said = instance.lines.map(({ line }) => line)
      for (const target of ['public.example:8080', 'other.example:80', '93.184.215.14:80']) {
        expect(said).toContain(
          `The server was refused a connection to ${target}: it is not in the allow-list.`,
        )
      }
      // Being listed does not make a private address public.
      expect(said).toContainEqual(
        expect.stringMatching(/private\.example:80: 192\.168\.1\.1 .*private address/),
      )
      await until('the count', () =>
        instance.lines.some(({ line }) => line === 'Refused connections in all: 4.') ? true : null,
      )
    } finally {
      server.close()
      server.closeAllConnections()
    }
  })

  // Only root can open the name server's port for it.
  test.runIf(process.getuid?.() === 0)(
    'programs that know nothing of proxies reach listed hosts by name: Node, Python, and plain TCP',
    async () => {
      const server = createServer((req, res) => res.end(`hello ${req.headers.host}`))
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const address = server.address()
      publicPort = typeof address === 'object' ? (address?.port ?? 0) : 0
      try {
        await using instance = await startEvaluator([
          'public.example:80',
          'public.example:5432',
          'private.example:80',
        ])
        expect(await evaluate(instance, readUnproxied('public.example', 80))).toBe('hello public.example')
        expect(await evaluate(instance, talk('public.example', 5432))).toMatch(
          /^HTTP\/1\.1 200 OK[^]*hello db$/,
        )
        expect(await evaluate(instance, readWithPython('public.example'))).toBe('hello public.example')
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
    },
  )

  test('with the policy none there is loopback and nothing else', async () => {
    await using instance = await startEvaluator('none')
    expect(await evaluate(instance, "return Object.keys(require('os').networkInterfaces())")).toEqual(['lo'])
    const out = "return await fetch('http://192.0.2.1/').then(() => 'reached', (e) => e.cause?.code)"
    expect(await evaluate(instance, out)).toMatch(/^E(NETUNREACH|HOSTUNREACH)$/)
  })
})

describe('limits of the host', () => {
  test("memory outside of JavaScript's heap is limited as well", async () => {
    const release = releaseOf(subject.packageOf('@fixture/evaluator', 'evaluator'), { memoryMiB: 128 })
    const instance = await subject.runtime.start(release.start(lockFile), never)
    const hog =
      'const all = []; try { for (;;) all.push(Buffer.alloc(8 << 20, 1)) } catch { return all.length * 8 }'
    // With control groups the kernel ends it; without them allocations fail at some point.
    const outcome = await evaluate(instance, hog).catch((error: unknown) => error)
    const isLimited = outcome instanceof CatwalkError ? outcome.code : Number(outcome) < 2_048
    expect(['server_out_of_memory', true]).toContain(isLimited)
    await instance.stop(500)
    await subject.runtime.purge(release.prepare.deploymentId, never)
  })

  test('nothing is left of an instance but its home: no process, no control group, no temporary file', async () => {
    const marker = join(subject.dataDir, 'marker')
    await writeFile(marker, '')
    {
      await using instance = await startEvaluator('internet')
      expect(await evaluate(instance, 'return 1')).toBe(1)
    }
    expect(await readdir(join(subject.dataDir, 'tmp'))).toEqual([])
    expect(await readdir(join(subject.dataDir, 'deployments'))).toEqual([])
    const left = (await hostProcesses()).filter(({ command }) => command.includes(subject.dataDir))
    expect(left).toEqual([])
    const digest = createHash('sha256').update(subject.dataDir).digest('hex').slice(0, 12)
    for (const hierarchy of ['.', 'memory', 'pids', 'cpu']) {
      const groups = await readdir(join('/sys/fs/cgroup', hierarchy)).catch(() => [])
      expect(groups.filter((name) => name.includes(digest))).toEqual([])
    }
  })
})
