import type { ChildProcess } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { cp, mkdir, rm } from 'node:fs/promises'
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { INSTANCE_PORT } from '../../src/runtimes/elsewhere/index.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { until } from '../support/until.ts'
import { FLY_REQUESTS, shapeProblem } from './fly-contract.ts'
import { bootFlyMachine, freeze, thaw, type FlyFile } from './fly-machine.ts'

interface MachineConfig {
  readonly image: string
  readonly auto_destroy?: boolean
  readonly env?: Readonly<Record<string, string>>
  readonly files?: readonly FlyFile[]
  readonly guest?: { readonly cpus: number; readonly memory_mb: number }
  readonly metadata?: Readonly<Record<string, string>>
  readonly mounts?: readonly { readonly volume: string; readonly path: string }[]
}

export interface FakeMachine {
  readonly id: string
  readonly name: string
  readonly region: string
  readonly version: string
  readonly address: string
  config: MachineConfig
  state:
    'created' | 'starting' | 'started' | 'stopping' | 'stopped' | 'suspending' | 'suspended' | 'destroyed'
  lease: { readonly nonce: string; readonly expiresAt: number } | null
  process: ChildProcess | null
}

interface FakeVolume {
  readonly id: string
  readonly name: string
  readonly size: number
  readonly createdAt: string
}

/** Fly's Machines API over a real socket, whose machines are real processes of the image's program. */
export interface FakeFly extends AsyncDisposable {
  readonly apiUrl: string
  /** Stands for Fly's proxy in front of all apps. */
  readonly proxyUrl: string
  readonly token: string
  readonly apps: Set<string>
  readonly machines: () => readonly FakeMachine[]
  readonly volumes: () => readonly FakeVolume[]
  /** Requests so far, as `METHOD path`. */
  readonly requests: string[]
  /** What was wrong with requests; a test expects nothing here. */
  readonly violations: string[]
  /** The next requests are answered with this status. */
  refuseNext(count: number, status: number, retryAfterS?: number): void
  /** As long as it is away, no connection lives. */
  setAway(away: boolean): void
  /** As long as it is so, no machine can be suspended. */
  setSuspendable(suspendable: boolean): void
  /** The snapshot of a suspended machine is lost: it boots at its next start. */
  loseSnapshot(id: string): Promise<void>
  /** The machine is gone, as if its host had burnt. */
  vanish(id: string): Promise<void>
  /** Somebody else takes the lease of a machine. */
  holdLease(id: string, forMs: number): void
}

interface Bodies {
  readonly createApp: { readonly name?: string; readonly org_slug?: string }
  readonly createMachine: {
    readonly name?: string
    readonly region?: string
    readonly config?: MachineConfig
    readonly lease_ttl?: number
  }
  readonly createLease: { readonly ttl?: number }
  readonly createVolume: {
    readonly name?: string
    readonly size_gb?: number
    readonly source_volume_id?: string
  }
  readonly stop: object
  readonly nothing: object
  readonly setMetadata: { readonly value?: string }
  readonly assignAddress: object
}

/** The body of a request; null when it was refused. */
type Checked = <Name extends keyof Bodies>(name: Name) => Bodies[Name] | null

const APP = 'team-servers'

/** @param program the compiled program of the image */
export async function startFakeFly(program: string): Promise<FakeFly> {
  const directory = await temporaryDirectory()
  const token = `FlyV1 fm2_${randomBytes(12).toString('hex')}`
  const apps = new Set([APP])
  const machines = new Map<string, FakeMachine>()
  const volumes = new Map<string, FakeVolume>()
  const requests: string[] = []
  const violations: string[] = []
  // An address of loopback for each machine, and other ones in other tests.
  const net = `127.${64 + randomInt(128)}.${randomInt(256)}`
  let addresses = 1
  let refusal: { count: number; readonly status: number; readonly retryAfterS: number | undefined } | null =
    null
  let isAway = false
  let isSuspendable = true

  const holder = (volume: string): FakeMachine | undefined =>
    [...machines.values()].find(
      (one) =>
        one.state !== 'destroyed' && one.config.mounts?.some((mount) => mount.volume === volume) === true,
    )

  /** @param isReset whether its root file system is that of its image, with its files */
  async function boot(machine: FakeMachine, isReset: boolean): Promise<void> {
    machine.state = 'starting'
    const [mount] = machine.config.mounts ?? []
    const child = await bootFlyMachine({
      program,
      directory: join(directory.path, 'machines', machine.id),
      volume: mount === undefined ? null : join(directory.path, 'volumes', mount.volume),
      env: { FLY_PRIVATE_IP: machine.address, ...machine.config.env },
      files: isReset ? (machine.config.files ?? []) : [],
      address: machine.address,
    })
    machine.process = child
    // It says so long before the port listens.
    machine.state = 'started'
    child.once('exit', () => {
      machine.process = null
      // Of a suspended one only the snapshot is lost.
      if (machine.state === 'destroyed' || machine.state === 'suspended') return
      machine.state = 'stopped'
      if (machine.config.auto_destroy === true) setTimeout(() => gone(machine), AUTO_DESTROY_MS)
    })
  }

  function gone(machine: FakeMachine): void {
    machine.state = 'destroyed'
    machine.process?.kill('SIGKILL')
  }

  function present(machine: FakeMachine): object {
    const { id, name, state, region, version, address, config } = machine
    return { id, name, state, region, version, instance_id: version, private_ip: address, config }
  }

  function presentVolume({ id, name, size, createdAt }: FakeVolume): object {
    const attached = holder(id)?.id ?? null
    return { id, name, state: 'created', size_gb: size, attached_machine_id: attached, created_at: createdAt }
  }

  /** Who holds the lease may change the machine. */
  function isLeased(machine: FakeMachine, req: IncomingMessage): boolean {
    if (machine.lease === null || machine.lease.expiresAt <= Date.now()) return false
    return req.headers['fly-machine-lease-nonce'] !== machine.lease.nonce
  }

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = new URL(req.url ?? '/', 'http://fly')
    const method = req.method ?? ''
    requests.push(`${method} ${url.pathname}`)
    const raw = await text(req)
    const send = (status: number, body: unknown, headers: Record<string, string> = {}): void =>
      void res
        .writeHead(status, { 'content-type': 'application/json', ...headers })
        .end(body === null ? '' : JSON.stringify(body))
    const fail = (status: number, error: string): void => send(status, { error, status: 'unknown' })
    if (refusal !== null && refusal.count > 0) {
      refusal.count--
      const { status, retryAfterS } = refusal
      return send(
        status,
        { error: 'rate limit exceeded' },
        retryAfterS === undefined ? {} : { 'retry-after': String(retryAfterS) },
      )
    }
    if (req.headers.authorization !== `Bearer ${token}`) return fail(401, 'unauthorized')
    const checked: Checked = (shape) => {
      const body: unknown = raw === '' ? {} : JSON.parse(raw)
      const problem =
        req.headers['content-type'] === 'application/json' || raw === ''
          ? shapeProblem(body, FLY_REQUESTS[shape])
          : 'the body is not said to be JSON'
      // Its shape is what the document says.
      if (problem === null) return body as Bodies[typeof shape]
      violations.push(`${method} ${url.pathname}: ${problem}`)
      fail(400, problem)
      return null
    }
    const [, version, collection, app = '', resource, id = '', action] = url.pathname.split('/')
    if (version !== 'v1' || collection !== 'apps') return fail(404, 'not found')
    if (app === '') {
      if (method !== 'POST') return fail(400, 'org_slug is required')
      const body = checked('createApp')
      if (body === null) return
      if (body.name === undefined || body.org_slug === undefined)
        return fail(422, 'name and org_slug are required')
      if (apps.has(body.name)) return send(422, { error: 'name taken', status: 'name_taken' })
      apps.add(body.name)
      return send(201, { id: body.name, created_at: 0 })
    }
    if (!apps.has(app)) return fail(404, 'app not found')
    if (resource === undefined) return send(200, { id: app, name: app, status: 'deployed' })
    if (resource === 'ip_assignments' && method === 'POST') {
      if (checked('assignAddress') !== null) send(200, { ip: '127.0.0.1', shared: true })
      return
    }
    if (resource === 'volumes') return answerVolumes(method, id, checked, send, fail)
    if (resource !== 'machines') return fail(404, 'not found')
    if (id === '') {
      if (method === 'GET') {
        const wanted = [...url.searchParams].filter(([key]) => key.startsWith('metadata.'))
        const found = [...machines.values()].filter(
          (one) =>
            one.state !== 'destroyed' &&
            wanted.every(([key, value]) => one.config.metadata?.[key.slice('metadata.'.length)] === value),
        )
        return send(200, found.map(present))
      }
      const body = checked('createMachine')
      if (body !== null) await create(body, send, fail)
      return
    }
    const machine = machines.get(id)
    if (machine === undefined || machine.state === 'destroyed') {
      // What is destroyed can still be waited for.
      if (machine !== undefined && action === 'wait' && url.searchParams.get('state') === 'destroyed') {
        return send(200, { ok: true })
      }
      return fail(404, 'machine not found')
    }
    if (action === undefined && method === 'GET') return send(200, present(machine))
    if (action === 'wait' && method === 'GET') return wait(machine, url.searchParams, send, fail, res)
    if (action === 'lease' && method === 'POST') {
      const body = checked('createLease')
      if (body === null) return
      if (isLeased(machine, req))
        return fail(409, 'failed to get lease: lease currently held by somebody else')
      machine.lease = newLease(body.ttl ?? 30)
      return send(201, { nonce: machine.lease.nonce, expires_at: Math.ceil(machine.lease.expiresAt / 1000) })
    }
    if (isLeased(machine, req)) return fail(409, 'lease currently held by somebody else')
    if (action === 'lease' && method === 'DELETE') {
      machine.lease = null
      return send(200, { ok: true })
    }
    if (action === 'stop' && method === 'POST') {
      if (checked('stop') === null) return
      if (machine.state === 'suspended') {
        // Which loses its snapshot.
        machine.process?.kill('SIGKILL')
        machine.state = 'stopped'
        return send(200, { ok: true })
      }
      if (machine.state !== 'started') return fail(412, `failed_precondition: machine is ${machine.state}`)
      machine.state = 'stopping'
      machine.process?.kill('SIGTERM')
      const child = machine.process
      setTimeout(() => child?.kill('SIGKILL'), KILL_MS).unref()
      return send(200, { ok: true })
    }
    if (action === 'suspend' && method === 'POST') {
      if (checked('nothing') === null) return
      const { memory_mb: memory = 256 } = machine.config.guest ?? {}
      if (!isSuspendable || memory > 2_048 || machine.state !== 'started')
        return fail(412, `failed_precondition: machine in state ${machine.state} cannot be suspended`)
      machine.state = 'suspending'
      send(200, { ok: true })
      freeze(machine.process)
      machine.state = 'suspended'
      return
    }
    if (action === 'start' && method === 'POST') {
      if (checked('nothing') === null) return
      const former = machine.state
      if (former !== 'stopped' && former !== 'suspended')
        return fail(412, `failed_precondition: unable to start machine from state ${former}`)
      if (former === 'suspended' && machine.process !== null) {
        machine.state = 'started'
        thaw(machine.process)
      } else await boot(machine, former === 'stopped')
      return send(200, { previous_state: former, migrated: false, new_host: '' })
    }
    const [, key] = /\/metadata\/([a-z_]+)$/.exec(url.pathname) ?? []
    if (key !== undefined && method === 'POST') {
      const body = checked('setMetadata')
      if (body === null) return
      if (body.value === undefined) return fail(400, 'value is required')
      machine.config = { ...machine.config, metadata: { ...machine.config.metadata, [key]: body.value } }
      return void res.writeHead(204).end()
    }
    if (action === undefined && method === 'DELETE') {
      if (url.searchParams.get('force') !== 'true' && machine.state === 'started') {
        return fail(412, 'failed_precondition: unable to destroy machine, not currently stopped')
      }
      gone(machine)
      return send(200, { ok: true })
    }
    violations.push(`${method} ${url.pathname} is in no documentation`)
    fail(404, 'not found')
  }

  type Send = (status: number, body: unknown) => void
  type Fail = (status: number, error: string) => void

  async function create(
    body: { name?: string; region?: string; config?: MachineConfig; lease_ttl?: number },
    send: Send,
    fail: Fail,
  ): Promise<void> {
    const { config, name = `m-${randomBytes(4).toString('hex')}`, region = 'ams', lease_ttl: ttl } = body
    if (config?.image === undefined || config.image === '') return fail(400, 'config.image is required')
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_-]{0,62}$/.test(name)) return fail(400, 'name is not allowed')
    const { cpus = 1, memory_mb: memory = 256 } = config.guest ?? {}
    if (memory % 256 !== 0 || memory < cpus * 256 || memory > cpus * 2048)
      return fail(422, 'invalid guest size')
    const isTaken = [...machines.values()].some((one) => one.name === name && one.state !== 'destroyed')
    if (isTaken) return fail(409, `already_exists: unique machine name violation, machine ID ${name}`)
    for (const { volume } of config.mounts ?? []) {
      if (!volumes.has(volume)) return fail(404, 'volume not found')
      if (holder(volume) !== undefined) return fail(412, 'volume is attached to another machine')
    }
    const machine: FakeMachine = {
      id: randomBytes(7).toString('hex'),
      name,
      region,
      version: randomBytes(13).toString('hex').toUpperCase(),
      address: `${net}.${addresses++}`,
      config,
      state: 'created',
      lease: ttl === undefined ? null : newLease(ttl),
      process: null,
    }
    machines.set(machine.id, machine)
    send(200, { ...present(machine), ...(machine.lease === null ? {} : { nonce: machine.lease.nonce }) })
    await boot(machine, true)
  }

  async function wait(
    machine: FakeMachine,
    query: URLSearchParams,
    send: Send,
    fail: Fail,
    res: ServerResponse,
  ): Promise<void> {
    const state = query.get('state') ?? 'started'
    const timeoutS = Number(query.get('timeout') ?? 60)
    if (!(timeoutS >= 1 && timeoutS <= 60)) return fail(400, 'invalid timeout')
    const end = performance.now() + timeoutS * 1_000
    while (machine.state !== state && performance.now() < end && !res.destroyed) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
    if (machine.state === state) send(200, { ok: true })
    else fail(408, `deadline_exceeded: machine failed to reach desired state ${state}`)
  }

  async function answerVolumes(
    method: string,
    id: string,
    checked: Checked,
    send: Send,
    fail: Fail,
  ): Promise<void> {
    if (method === 'GET') return send(200, [...volumes.values()].map(presentVolume))
    if (method === 'DELETE') {
      if (!volumes.has(id)) return fail(404, 'volume not found')
      if (holder(id) !== undefined) return fail(412, 'volume is attached to a machine')
      volumes.delete(id)
      await rm(join(directory.path, 'volumes', id), { recursive: true, force: true })
      return send(200, { id, state: 'pending_destroy' })
    }
    const body = checked('createVolume')
    if (body === null) return
    if (body.name === undefined || !/^[a-z0-9_]{1,30}$/.test(body.name)) return fail(422, 'name is invalid')
    const source = body.source_volume_id
    if (source !== undefined && !volumes.has(source)) return fail(404, 'source volume not found')
    const volume: FakeVolume = {
      id: `vol_${randomBytes(8).toString('hex')}`,
      name: body.name,
      size: body.size_gb ?? 1,
      createdAt: new Date(Date.now() + volumes.size).toISOString(),
    }
    const path = join(directory.path, 'volumes', volume.id)
    await mkdir(path, { recursive: true })
    if (source !== undefined) {
      await cp(join(directory.path, 'volumes', source), path, { recursive: true, verbatimSymlinks: true })
    }
    volumes.set(volume.id, volume)
    send(200, presentVolume(volume))
  }

  const api = createServer((req, res) => {
    if (isAway) return void req.socket.destroy()
    answer(req, res).catch((error: unknown) => {
      violations.push(String(error))
      res.destroy()
    })
  })
  const proxy = createServer((req, res) => {
    const machine = machines.get(String(req.headers['fly-force-instance-id']))
    if (machine?.state !== 'started') return void res.writeHead(502).end()
    const { 'fly-force-instance-id': _, ...headers } = req.headers
    const sent = forward(
      {
        host: machine.address,
        port: INSTANCE_PORT,
        method: req.method ?? 'GET',
        path: req.url ?? '/',
        headers,
      },
      (message) => {
        res.writeHead(message.statusCode ?? 502, message.rawHeaders)
        res.flushHeaders()
        message.on('error', () => res.destroy())
        message.pipe(res)
      },
    )
    sent.on('error', () => (res.headersSent ? res.destroy() : res.writeHead(502).end()))
    res.once('close', () => sent.destroy())
    req.pipe(sent)
  })
  const origins: string[] = []
  for (const server of [api, proxy]) {
    await once(server.listen(0, '127.0.0.1'), 'listening')
    // A server that listens on TCP has an address with a port.
    origins.push(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  }
  const [apiUrl = '', proxyUrl = ''] = origins
  return {
    apiUrl,
    proxyUrl,
    token,
    apps,
    requests,
    violations,
    machines: () => [...machines.values()].filter(({ state }) => state !== 'destroyed'),
    volumes: () => [...volumes.values()],
    refuseNext(count, status, retryAfterS) {
      refusal = { count, status, retryAfterS }
    },
    setAway(away) {
      isAway = away
      if (away) api.closeAllConnections()
    },
    setSuspendable(suspendable) {
      isSuspendable = suspendable
    },
    async loseSnapshot(id) {
      const machine = machines.get(id)
      if (machine?.state !== 'suspended') throw new Error('it is not suspended')
      machine.process?.kill('SIGKILL')
      await until('its memory is gone', () => (machine.process === null ? true : null))
    },
    async vanish(id) {
      const machine = machines.get(id)
      if (machine === undefined) throw new Error('no such machine')
      gone(machine)
      await until('its process is gone', () => (machine.process === null ? true : null))
    },
    holdLease(id, forMs) {
      const machine = machines.get(id)
      if (machine !== undefined) machine.lease = { nonce: 'of-somebody-else', expiresAt: Date.now() + forMs }
    },
    async [Symbol.asyncDispose]() {
      for (const machine of machines.values()) gone(machine)
      await until('no machine is left', () =>
        [...machines.values()].every((machine) => machine.process === null) ? true : null,
      )
      for (const server of [api, proxy]) {
        server.closeAllConnections()
        server.close()
        await once(server, 'close')
      }
      await directory[Symbol.asyncDispose]()
    },
  }
}

export const FAKE_FLY_APP = APP
const AUTO_DESTROY_MS = 200
const KILL_MS = 10_000
const POLL_MS = 20

function newLease(ttlS: number): { readonly nonce: string; readonly expiresAt: number } {
  return { nonce: randomBytes(6).toString('hex'), expiresAt: Date.now() + ttlS * 1_000 }
}
