import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret, type Instance, type InstanceInput } from '../../src/domain/index.ts'
import type { Network } from '../../src/network/index.ts'
import { evaluate, readUnproxied, releaseOf } from '../runtimes/release.ts'
import type { RuntimeUnderTest } from './runtime.ts'
import {
  attemptsOn,
  FORBIDDEN_BY_OURS,
  FORBIDDEN_EVERYWHERE,
  syscallsIn,
  type Outcomes,
} from './system-calls.ts'

/** A runtime whose servers share this machine with the program and with each other. */
export interface AttackedRuntime extends RuntimeUnderTest {
  readonly dataDir: string
}

export interface AttackOptions {
  /** Whether the filter of system calls is ours, which is narrower than that of a container engine. */
  readonly ownFilter: boolean
}

const never = new AbortController().signal
const OWN_ADDRESS = '93.184.215.99'

/** Names as an attacker would set them up, and what of them was really dialled. Nothing is ever connected. */
function hostileInternet(): { readonly network: Network; readonly dialled: string[]; turn(): void } {
  const names: Readonly<Record<string, string>> = {
    'metadata.google.internal': '169.254.169.254',
    'intranet.example': '10.1.2.3',
    'router.example': '192.168.1.1',
    'docker.example': '172.17.0.1',
    'tailnet.example': '100.100.1.1',
    'six.example': 'fd00::1',
    'mapped.example': '::ffff:127.0.0.1',
    'self.example': OWN_ADDRESS,
  }
  const dialled: string[] = []
  let turned = false
  return {
    dialled,
    turn: () => {
      turned = true
    },
    network: {
      resolve: async (host) => [
        names[host] ?? (host === 'rebind.example' && turned ? '127.0.0.1' : '93.184.215.14'),
      ],
      connect: async (address) => {
        dialled.push(address)
        throw new Error('nobody is there')
      },
      ownAddresses: () => [OWN_ADDRESS],
    },
  }
}

/**
 * What a hostile server tries on the machine that it shares: each attempt is refused, and fails for that reason. The
 * targets are the test's own.
 */
export function attackContract(
  name: string,
  create: (network: Network) => Promise<AttackedRuntime>,
  { ownFilter }: AttackOptions,
): void {
  describe(`attacks from inside ${name}`, () => {
    const internet = hostileInternet()
    let subject: AttackedRuntime
    let lockFile = ''
    beforeAll(async () => {
      subject = await create(internet.network)
      const release = releaseOf(subject.packageOf('@fixture/evaluator', 'evaluator'))
      ;({ lockFile } = await subject.runtime.prepare(release.prepare, never))
    })
    afterAll(async () => {
      await subject[Symbol.asyncDispose]()
    })

    async function start(
      changes: Partial<InstanceInput> = {},
    ): Promise<Instance & AsyncDisposable & { readonly deploymentId: string; said(): string }> {
      const packaged = subject.packageOf('@fixture/evaluator', 'evaluator')
      const release = releaseOf(packaged, { network: 'internet', memoryMiB: 512 })
      const instance = await subject.runtime.start(release.start(lockFile, changes), never)
      const { deploymentId } = release.prepare
      return {
        ...instance,
        deploymentId,
        said: () => release.lines.map(({ line }) => line).join('\n'),
        [Symbol.asyncDispose]: async () => {
          await instance.stop(500)
          await subject.runtime.purge(deploymentId, never)
        },
      }
    }

    test("neither a neighbour's files nor the program's are found by path, by link or by walking up", async () => {
      await writeFile(join(subject.dataDir, 'master.key'), 'key of the program', { mode: 0o644 })
      await using neighbour = await start()
      await evaluate(neighbour, "require('fs').writeFileSync('note', 'of the neighbour')")
      await using instance = await start()
      const homes = join(subject.dataDir, 'deployments')
      const targets = [
        join(subject.dataDir, 'master.key'),
        join(homes, neighbour.deploymentId, 'home', 'note'),
        homes,
        '/var/run/docker.sock',
      ]
      const look = `const fs = require('fs')
        const read = (path) => { try { return String(fs.readFileSync(path)) } catch (e) { return e.code } }
        return ${JSON.stringify(targets)}.flatMap((path, n) => {
          try { fs.symlinkSync(path, 'link' + n) } catch (e) { return [e.code] }
          return [read(path), read('link' + n), read('/proc/self/root' + path), read('/proc/1/root' + path), read('../'.repeat(9) + path.slice(1))]
        })`
      const seen = (await evaluate(instance, look)) as string[]
      expect(seen).toHaveLength(targets.length * 5)
      expect(seen.filter((one) => !['ENOENT', 'EACCES', 'EPERM'].includes(one))).toEqual([])
    })

    test("no process but its own is seen: neither the program's variables nor a neighbour's", async () => {
      const mark = `mark-${randomUUID()}`
      const bystander = spawn('sleep', ['60'], { env: { MARK: mark }, stdio: 'ignore' })
      try {
        await using neighbour = await start({ credentials: new Map([['KEY', new Secret(mark)]]) })
        await using instance = await start()
        expect(await evaluate(neighbour, 'return process.env.KEY')).toBe(mark)
        const look = `const fs = require('fs')
          const read = (path) => { try { return fs.readFileSync(path, 'latin1') } catch (e) { return e.code } }
          const pids = fs.readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))
          return [
            pids.map((pid) => read('/proc/' + pid + '/environ') + read('/proc/' + pid + '/cmdline')).join(' '),
            ...['environ', 'mem', 'maps', 'fd/0', 'root/etc/passwd'].map((file) => read('/proc/${process.pid}/' + file)),
          ]`
        const [all, ...ofTheProgram] = (await evaluate(instance, look)) as string[]
        expect(all).toContain('HOME=')
        expect(all).not.toContain(mark)
        expect(ofTheProgram).toEqual(['ENOENT', 'ENOENT', 'ENOENT', 'ENOENT', 'ENOENT'])
      } finally {
        bystander.kill('SIGKILL')
        await once(bystander, 'exit')
      }
    })

    test('mounts, keyrings, namespaces, raw handles and the machine itself are out of reach', async () => {
      await using instance = await start()
      const asked = ownFilter ? { ...FORBIDDEN_EVERYWHERE, ...FORBIDDEN_BY_OURS } : FORBIDDEN_EVERYWHERE
      const outcomes = await syscalls(instance, asked)
      const others = Object.entries(outcomes).filter(
        ([, outcome]) => !['EPERM', 'EACCES', 'ENOSYS'].includes(outcome),
      )
      expect(Object.keys(outcomes)).toEqual(Object.keys(asked))
      expect(others).toEqual([])
    })

    test('a process of the program cannot be traced, read, signalled or held, whatever its number', async () => {
      await using instance = await start()
      for (const pid of [process.pid, process.ppid]) {
        const outcomes = await syscalls(instance, attemptsOn(pid))
        const won = Object.entries(outcomes).filter(([, outcome]) => !['ESRCH', 'EPERM'].includes(outcome))
        expect(won).toEqual([])
      }
    })

    test('a server that signals all that it can ends nobody but itself', async () => {
      await using neighbour = await start()
      await using instance = await start()
      const all = `require('child_process').spawnSync('/usr/bin/python3', ['-c', 'import os, signal; os.kill(os.getppid(), 0); os.kill(-1, signal.SIGKILL)'])
        process.kill(process.ppid, 'SIGKILL'); process.kill(process.pid, 'SIGKILL')`
      await evaluate(instance, all).catch(() => undefined)
      await instance.ended
      expect(await evaluate(neighbour, 'return 1')).toBe(1)
    })

    test('no device can be made, no privilege taken, nothing of the kernel written', async () => {
      await using instance = await start()
      const script = `
import json, os, stat
def attempt(act):
    try:
        act()
        return 'worked'
    except OSError as error:
        return os.strerror(error.errno)
print(json.dumps([
  attempt(lambda: os.mknod('/tmp/disk', 0o600 | stat.S_IFBLK, os.makedev(8, 0))),
  attempt(lambda: os.setuid(0)),
  attempt(lambda: os.setgroups([0])),
  attempt(lambda: os.chown('/tmp', 0, 0)),
  *[attempt(lambda: open(path, 'w').write('1')) for path in [
    '/proc/sysrq-trigger', '/proc/sys/kernel/core_pattern', '/proc/sys/kernel/hostname', '/proc/1/oom_score_adj',
    '/sys/fs/cgroup/cgroup.procs', '/sys/fs/cgroup/memory/memory.limit_in_bytes', '/dev/kmsg', '/dev/mem',
  ]],
]))`
      const run = `return JSON.parse(require('child_process').execFileSync('/usr/bin/python3', ['-c', ${JSON.stringify(script)}], { encoding: 'utf8' }))`
      const outcomes = (await evaluate(instance, run)) as string[]
      expect(outcomes).toHaveLength(12)
      // Raising how soon the kernel ends one's own first process is no privilege.
      const won = outcomes.filter((outcome, n) => outcome === 'worked' && n !== 7)
      expect(won).toEqual([])
    })

    test("the API on the machine's loopback is not reached, nor a socket without a path", async () => {
      const api = createServer((_req, res) => res.end('the API'))
      const abstract = createServer((_req, res) => res.end('abstract'))
      api.listen(0, '127.0.0.1')
      const socket = `\0catwalk-attack-${randomUUID()}`
      abstract.listen(socket)
      try {
        await Promise.all([once(api, 'listening'), once(abstract, 'listening')])
        // It listens on TCP.
        const { port } = api.address() as AddressInfo
        await using instance = await start()
        const connect = `const { connect } = require('net')
          const reach = (to) => new Promise((resolve) => connect(to).on('connect', () => resolve('connected')).on('error', (e) => resolve(e.code)))
          return [await reach({ port: ${port}, host: '127.0.0.1' }), await reach({ port: ${port}, host: '::1' }), await reach({ path: ${JSON.stringify(socket)} })]`
        const [four, six, noPath] = (await evaluate(instance, connect)) as string[]
        expect(four).toBe('ECONNREFUSED')
        expect(['ECONNREFUSED', 'EADDRNOTAVAIL', 'ENETUNREACH']).toContain(six)
        expect(noPath).toBe('ECONNREFUSED')
        expect(
          await evaluate(instance, connectThroughProxy([`127.0.0.1:${port}`, `localhost:${port}`])),
        ).toEqual([
          403,
          // Nobody said that this name is loopback: the test's names do not know it, and nobody is there.
          502,
        ])
        expect(internet.dialled.splice(0)).toEqual(['93.184.215.14'])
      } finally {
        api.close()
        abstract.close()
      }
    })

    test('private ranges, metadata addresses and the machine itself are refused, under every spelling and name', async () => {
      await using instance = await start()
      const targets = [
        '10.0.0.1:80',
        '172.16.0.1:80',
        '192.168.0.1:80',
        '169.254.169.254:80',
        '100.64.0.1:443',
        '0.0.0.0:80',
        '[::1]:80',
        '[::]:80',
        '[fe80::1]:80',
        '[fd00:ec2::254]:80',
        '[::ffff:169.254.169.254]:80',
        '[64:ff9b::a9fe:a9fe]:80',
        `${OWN_ADDRESS}:80`,
        'metadata.google.internal:80',
        'intranet.example:443',
        'router.example:80',
        'docker.example:2375',
        'tailnet.example:443',
        'six.example:80',
        'mapped.example:80',
        'self.example:443',
      ]
      expect(await evaluate(instance, connectThroughProxy(targets))).toEqual(targets.map(() => 403))
      expect(internet.dialled.splice(0)).toEqual([])
      expect(instance.said()).toContain('refused a connection to metadata.google.internal:80')
    })

    test('a name that turns to loopback between two connections is refused from then on', async () => {
      await using instance = await start()
      const ask = connectThroughProxy(['rebind.example:80'])
      // Allowed, and nobody is there.
      expect(await evaluate(instance, ask)).toEqual([502])
      expect(internet.dialled.splice(0)).toEqual(['93.184.215.14'])
      internet.turn()
      expect(await evaluate(instance, ask)).toEqual([403])
      // Those who know of no proxy are no better off, where they are served.
      expect(['ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN']).toContain(
        await evaluate(instance, readUnproxied('rebind.example', 80)),
      )
      expect(internet.dialled.splice(0)).toEqual([])
    })

    test('nothing leaves past the proxy: neither UDP, nor raw packets, nor a connection to an address', async () => {
      await using instance = await start()
      const script = `
import json, os, socket
def attempt(act):
    try:
        act()
        return 'worked'
    except OSError as error:
        return 'refused'
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
tcp = socket.socket()
tcp.settimeout(2)
print(json.dumps([
  attempt(lambda: udp.sendto(b'x', ('93.184.215.14', 53))),
  attempt(lambda: tcp.connect(('93.184.215.14', 443))),
  attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)),
  attempt(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)),
]))`
      const run = `return JSON.parse(require('child_process').execFileSync('/usr/bin/python3', ['-c', ${JSON.stringify(script)}], { encoding: 'utf8' }))`
      expect(await evaluate(instance, run)).toEqual(['refused', 'refused', 'refused', 'refused'])
    })

    test('shared memory ends at its size, and what fills it takes nothing from a neighbour', async () => {
      await using neighbour = await start()
      await using instance = await start()
      const fill = `const fs = require('fs'); const f = fs.openSync('/dev/shm/big', 'w'); const block = Buffer.alloc(1 << 20)
        for (let n = 0; n < 200; n += 1) { try { fs.writeSync(f, block) } catch (e) { return [e.code, n] } } return ['all', 200]`
      const [code, written] = (await evaluate(instance, fill)) as [string, number]
      expect(code).toBe('ENOSPC')
      expect(written).toBeLessThanOrEqual(64)
      expect(await evaluate(neighbour, "require('fs').writeFileSync('/dev/shm/small', 'x'); return 1")).toBe(
        1,
      )
    })
  })
}

async function syscalls(instance: Instance, asked: Parameters<typeof syscallsIn>[0]): Promise<Outcomes> {
  const outcomes = await evaluate(instance, syscallsIn(asked))
  // An object of the names that were asked; a failure to ask is a text.
  if (typeof outcomes !== 'object')
    throw new Error(`The attempts could not be made: ${JSON.stringify(outcomes)}`)
  return outcomes as Outcomes
}

/** Code that asks the egress proxy for tunnels, and returns the status of each answer. */
function connectThroughProxy(targets: readonly string[]): string {
  return `const http = require('http')
    const ask = (path) => new Promise((resolve) => {
      const req = http.request({ host: '127.0.0.1', port: 3128, method: 'CONNECT', path, agent: false })
      req.on('connect', (res, socket) => { socket.destroy(); resolve(res.statusCode) }).on('error', (e) => resolve(e.code)).end()
    })
    const found = []
    for (const target of ${JSON.stringify(targets)}) found.push(await ask(target))
    return found`
}
