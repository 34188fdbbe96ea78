// The parts of Fly's Machines API that we use, typed after the OpenAPI document that Fly publishes
// (superfly/docs, api/machines/openapi.json at 462dcb90) and its pages on machines and on suspending them (at 5c22c8ce). Every member of an answer is optional there; those that we rely
// on are checked where an answer is read.
import { text } from 'node:stream/consumers'
import { CatwalkError, Secret } from '../../domain/index.ts'
import {
  HttpFailure,
  readJson,
  withRetries,
  type HttpClient,
  type HttpResponse,
} from '../../network/index.ts'

/** `created` … `destroyed`, see https://fly.io/docs/machines/machine-states/. */
export type MachineState = string

/** `fly.MachineGuest` */
export interface MachineGuest {
  readonly cpu_kind: 'shared' | 'performance'
  readonly cpus: number
  readonly memory_mb: number
}

/** `fly.MachineConfig` */
export interface MachineConfig {
  readonly image: string
  readonly auto_destroy?: boolean
  readonly env: Readonly<Record<string, string>>
  /** `fly.File` */
  readonly files: readonly {
    readonly guest_path: string
    readonly raw_value: string
    readonly mode?: number
  }[]
  readonly guest: MachineGuest
  readonly metadata: Readonly<Record<string, string>>
  /** `fly.MachineMount` */
  readonly mounts?: readonly { readonly volume: string; readonly path: string }[]
  readonly restart: { readonly policy: 'no' | 'always' | 'on-failure' }
  /** `fly.MachineService` */
  readonly services?: readonly {
    readonly protocol: 'tcp'
    readonly internal_port: number
    readonly autostart: boolean
    readonly autostop: 'off' | 'stop' | 'suspend'
    readonly ports: readonly { readonly port: number; readonly handlers: readonly string[] }[]
  }[]
  readonly stop_config?: { readonly signal: string; readonly timeout: string }
}

/** `CreateMachineRequest` */
export interface CreateMachineRequest {
  readonly name: string
  readonly region?: string
  readonly config: MachineConfig
  /** Seconds. */
  readonly lease_ttl?: number
}

/** `Machine`, what we need of it. */
export interface Machine {
  readonly id: string
  readonly name: string
  readonly state: MachineState
  readonly version: string
  readonly privateIp: string
  readonly metadata: Readonly<Record<string, string>>
  readonly volume: string | null
  readonly memoryMiB: number
  /** Of the lease that creation took. */
  readonly nonce: string | null
}

/** `Volume`, what we need of it. */
export interface Volume {
  readonly id: string
  readonly name: string
  readonly state: string
  readonly machineId: string | null
  readonly createdAt: string
}

/** An answer of the API that is not what was asked for. */
export class FlyRefusal extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.name = 'FlyRefusal'
    this.status = status
  }
}

export interface FlyAccount {
  readonly token: Secret
  /** Name of the app that its machines are in. */
  readonly app: string
}

export interface MachinesApiOptions {
  /** Without a slash at the end. */
  readonly apiUrl: string
  readonly http: HttpClient
  /** How long a request is made again after failures that may pass. */
  readonly patienceMs: number
  /** The first wait between, which doubles up to 20 s. */
  readonly retryBaseMs: number
}

/** One app of one account. */
export interface MachinesApi {
  readonly app: string
  hasApp(signal: AbortSignal): Promise<boolean>
  /** @param network of its own, or null for that of the organisation */
  createApp(organisation: string, network: string | null, signal: AbortSignal): Promise<void>
  /** A shared IPv4 address, so that Fly's proxy answers under the app's name. */
  assignAddress(signal: AbortSignal): Promise<void>
  /** Machines with all of this metadata. */
  list(metadata: Readonly<Record<string, string>>, signal: AbortSignal): Promise<readonly Machine[]>
  create(request: CreateMachineRequest, signal: AbortSignal): Promise<Machine>
  /** Null when there is none. */
  get(id: string, signal: AbortSignal): Promise<Machine | null>
  /** Whether it came into the state in time (at most 60 s). */
  wait(
    id: string,
    state: 'started' | 'stopped' | 'suspended' | 'destroyed',
    timeoutS: number,
    signal: AbortSignal,
  ): Promise<boolean>
  stop(id: string, graceS: number, nonce: string | null, signal: AbortSignal): Promise<void>
  /** Of one that is stopped, or suspended: that one goes on where it was, or boots where its snapshot is lost. */
  start(id: string, nonce: string, signal: AbortSignal): Promise<void>
  /** @throws FlyRefusal where it cannot be suspended as it is */
  suspend(id: string, nonce: string, signal: AbortSignal): Promise<void>
  setMetadata(id: string, key: string, value: string, nonce: string, signal: AbortSignal): Promise<void>
  /** Ends it as it is. One that is gone is no error. */
  destroy(id: string, nonce: string | null, signal: AbortSignal): Promise<void>
  /**
   * @returns the lease's nonce
   * @throws FlyRefusal 409 when somebody else holds it
   */
  lease(id: string, ttlS: number, description: string, signal: AbortSignal): Promise<string>
  release(id: string, nonce: string, signal: AbortSignal): Promise<void>
  volumes(signal: AbortSignal): Promise<readonly Volume[]>
  /** @param source a volume whose content it begins with; null for an empty one */
  createVolume(
    name: string,
    sizeGiB: number,
    region: string | null,
    source: string | null,
    signal: AbortSignal,
  ): Promise<Volume>
  destroyVolume(id: string, signal: AbortSignal): Promise<void>
}

const MAX_ANSWER_BYTES = 16 * 1024 * 1024
const MAX_WAIT_MS = 20_000
/** `wait` blocks for up to a minute. */
const TIMEOUT_MS = 75_000
const NONCE = 'fly-machine-lease-nonce'

interface Ask {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly body?: object
  readonly nonce?: string | null
  /** Statuses that are an answer as well. */
  readonly also?: readonly number[]
}

/**
 * Every request is tried again after failures that may pass: no answer, 429 (as long as the API asks to wait), 5xx. Those
 * that make something carry a name, so that a second one finds the first.
 * @throws from all of them: FlyRefusal, and CatwalkError `service_unreachable` when there is no answer
 */
export function openMachinesApi(options: MachinesApiOptions, { token, app }: FlyAccount): MachinesApi {
  const { http } = options
  const authorization = new Secret(`Bearer ${token.reveal()}`)
  const base = `/v1/apps/${encodeURIComponent(app)}`

  async function ask(request: Ask, signal: AbortSignal): Promise<HttpResponse> {
    const { method, path, body, nonce = null, also = [] } = request
    const payload = body === undefined ? null : Buffer.from(JSON.stringify(body))
    const headers = {
      ...(payload === null
        ? {}
        : { 'content-type': 'application/json', 'content-length': String(payload.length) }),
      ...(nonce === null ? {} : { [NONCE]: nonce }),
    }
    const send = (): Promise<HttpResponse> =>
      http.request(new URL(options.apiUrl + path), {
        method,
        headers,
        ...(payload === null ? {} : { body: payload }),
        authorization,
        timeoutMs: TIMEOUT_MS,
        signal,
      })
    const response = await withRetries(send, {
      patienceMs: options.patienceMs,
      baseMs: options.retryBaseMs,
      maxWaitMs: MAX_WAIT_MS,
      signal,
    }).catch((cause: unknown) => {
      if (!(cause instanceof HttpFailure)) throw cause
      throw new CatwalkError('service_unreachable', `Fly does not answer. ${cause.message}`, { cause })
    })
    const { status } = response
    if ((status >= 200 && status < 300) || also.includes(status)) return response
    throw await refusalOf(response)
  }

  async function json(request: Ask, signal: AbortSignal): Promise<Fields> {
    return fields(await readJson(await ask(request, signal), MAX_ANSWER_BYTES))
  }

  async function rows(path: string, signal: AbortSignal): Promise<readonly Fields[]> {
    const answer = await readJson(await ask({ method: 'GET', path }, signal), MAX_ANSWER_BYTES)
    return Array.isArray(answer) ? answer.map(fields) : []
  }

  /** What is not there any more need not be ended. */
  async function end(request: Ask, signal: AbortSignal): Promise<void> {
    await done({ ...request, also: [404] }, signal)
  }

  async function done(request: Ask, signal: AbortSignal): Promise<void> {
    const response = await ask(request, signal)
    response.body.resume()
  }

  const machine = (id: string, action = ''): string => `${base}/machines/${encodeURIComponent(id)}${action}`

  return {
    app,
    async hasApp(signal) {
      const response = await ask({ method: 'GET', path: base, also: [404] }, signal)
      response.body.resume()
      return response.status !== 404
    },
    async createApp(organisation, network, signal) {
      const body = {
        name: app,
        org_slug: organisation,
        idempotency_key: `catwalk-${app}`,
        ...(network === null ? {} : { network }),
      }
      await json({ method: 'POST', path: '/v1/apps', body }, signal)
    },
    async assignAddress(signal) {
      await json({ method: 'POST', path: `${base}/ip_assignments`, body: { type: 'shared_v4' } }, signal)
    },
    async list(metadata, signal) {
      const query = new URLSearchParams()
      for (const [key, value] of Object.entries(metadata)) query.set(`metadata.${key}`, value)
      const found = (await rows(`${base}/machines?${query.toString()}`, signal)).map(machineOf)
      // The filter is young; what it lets through is looked at again.
      return found.filter((one) =>
        Object.entries(metadata).every(([key, value]) => one.metadata[key] === value),
      )
    },
    create: async (request, signal) =>
      machineOf(await json({ method: 'POST', path: `${base}/machines`, body: request }, signal)),
    async get(id, signal) {
      const response = await ask({ method: 'GET', path: machine(id), also: [404] }, signal)
      if (response.status !== 404) return machineOf(fields(await readJson(response, MAX_ANSWER_BYTES)))
      response.body.resume()
      return null
    },
    async wait(id, state, timeoutS, signal) {
      const path = machine(id, `/wait?state=${state}&timeout=${timeoutS}`)
      const response = await ask({ method: 'GET', path, also: [404, 408, 504] }, signal)
      response.body.resume()
      return response.status === 200 || (state === 'destroyed' && response.status === 404)
    },
    stop: async (id, graceS, nonce, signal) =>
      end(
        {
          method: 'POST',
          path: machine(id, '/stop'),
          body: { signal: 'SIGTERM', timeout: `${graceS}s` },
          nonce,
        },
        signal,
      ),
    start: async (id, nonce, signal) => done({ method: 'POST', path: machine(id, '/start'), nonce }, signal),
    suspend: async (id, nonce, signal) =>
      done({ method: 'POST', path: machine(id, '/suspend'), nonce }, signal),
    setMetadata: async (id, key, value, nonce, signal) =>
      done({ method: 'POST', path: machine(id, `/metadata/${key}`), body: { value }, nonce }, signal),
    destroy: async (id, nonce, signal) =>
      end({ method: 'DELETE', path: machine(id, '?force=true'), nonce }, signal),
    async lease(id, ttlS, description, signal) {
      const body = { ttl: ttlS, description }
      const answer = await json({ method: 'POST', path: machine(id, '/lease'), body }, signal)
      // The answer is the lease, in older versions of the API below `data`.
      return textOf(answer['nonce'] ?? fields(answer['data'])['nonce'])
    },
    release: async (id, nonce, signal) =>
      end({ method: 'DELETE', path: machine(id, '/lease'), nonce }, signal),
    volumes: async (signal) => (await rows(`${base}/volumes`, signal)).map(volumeOf),
    async createVolume(name, sizeGiB, region, source, signal) {
      const body = {
        name,
        // A copy is at least as large as what it copies, which the API sees to.
        ...(source === null ? { size_gb: sizeGiB } : { source_volume_id: source }),
        ...(region === null ? {} : { region }),
      }
      return volumeOf(await json({ method: 'POST', path: `${base}/volumes`, body }, signal))
    },
    destroyVolume: async (id, signal) =>
      end({ method: 'DELETE', path: `${base}/volumes/${encodeURIComponent(id)}` }, signal),
  }
}

type Fields = Readonly<Record<string, unknown>>

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}

function textOf(value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  throw new CatwalkError('service_unreachable', 'An answer of Fly is not what its documentation says.')
}

function machineOf(value: Fields): Machine {
  const metadata = Object.entries(fields(fields(value['config'])['metadata']))
  return {
    id: textOf(value['id']),
    name: textOf(value['name']),
    state: textOf(value['state']),
    version: textOf(value['version'] ?? value['instance_id']),
    privateIp: textOf(value['private_ip']),
    metadata: Object.fromEntries(metadata.map(([key, entry]) => [key, String(entry)])),
    memoryMiB: Number(fields(fields(value['config'])['guest'])['memory_mb'] ?? 0),
    volume: mountedVolume(fields(value['config'])['mounts']),
    nonce: typeof value['nonce'] === 'string' && value['nonce'] !== '' ? value['nonce'] : null,
  }
}

function mountedVolume(mounts: unknown): string | null {
  const [mount] = Array.isArray(mounts) ? mounts.map(fields) : []
  const volume = mount?.['volume']
  return typeof volume === 'string' ? volume : null
}

function volumeOf(value: Fields): Volume {
  const { attached_machine_id: machineId, created_at: createdAt } = value
  return {
    id: textOf(value['id']),
    name: textOf(value['name']),
    state: textOf(value['state']),
    machineId: typeof machineId === 'string' && machineId !== '' ? machineId : null,
    createdAt: typeof createdAt === 'string' ? createdAt : '',
  }
}

const MAX_SAID = 300

/** What the API says of a refusal (`ErrorResponse`). */
async function refusalOf(response: HttpResponse): Promise<FlyRefusal> {
  const said = await text(response.body).catch(() => '')
  let reason = said
  try {
    const { error } = fields(JSON.parse(said))
    if (typeof error === 'string') reason = error
  } catch {
    // Not JSON: shown as it is.
  }
  return new FlyRefusal(response.status, reason.slice(0, MAX_SAID))
}
