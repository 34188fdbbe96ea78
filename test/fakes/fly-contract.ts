// What Fly's OpenAPI document (superfly/docs, api/machines/openapi.json at 462dcb90) says of the requests that we make: the
// members that there are, and their types. What its prose demands besides is in fly.ts.

type Shape =
  'string' | 'integer' | 'boolean' | 'strings' | readonly Shape[] | { readonly [name: string]: Shape } | OneOf
interface OneOf {
  readonly oneOf: readonly string[]
}
/** An array of the shape. */
const list = (shape: Shape): readonly Shape[] => [shape]

const GUEST: Shape = {
  cpu_kind: 'string',
  cpus: 'integer',
  memory_mb: 'integer',
  gpu_kind: 'string',
  gpus: 'integer',
  kernel_args: list('string'),
}
const CONFIG: Shape = {
  auto_destroy: 'boolean',
  env: 'strings',
  files: list({
    guest_path: 'string',
    image_config: 'string',
    mode: 'integer',
    raw_value: 'string',
    secret_name: 'string',
  }),
  guest: GUEST,
  image: 'string',
  metadata: 'strings',
  mounts: list({
    encrypted: 'boolean',
    name: 'string',
    path: 'string',
    size_gb: 'integer',
    volume: 'string',
  }),
  restart: { max_retries: 'integer', policy: { oneOf: ['no', 'always', 'on-failure'] } },
  services: list({
    autostart: 'boolean',
    autostop: { oneOf: ['off', 'stop', 'suspend'] },
    internal_port: 'integer',
    min_machines_running: 'integer',
    ports: list({ port: 'integer', handlers: list('string'), force_https: 'boolean' }),
    protocol: 'string',
  }),
  stop_config: {
    signal: { oneOf: ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGKILL', 'SIGUSR1', 'SIGUSR2', 'SIGTERM'] },
    timeout: 'string',
  },
}

export const FLY_REQUESTS = {
  createMachine: {
    config: CONFIG,
    lease_ttl: 'integer',
    name: 'string',
    region: 'string',
    skip_launch: 'boolean',
    skip_secrets: 'boolean',
    skip_service_registration: 'boolean',
  },
  createApp: {
    enable_subdomains: 'boolean',
    idempotency_key: 'string',
    name: 'string',
    network: 'string',
    org_slug: 'string',
  },
  createLease: { description: 'string', ttl: 'integer' },
  createVolume: {
    encrypted: 'boolean',
    fstype: 'string',
    name: 'string',
    region: 'string',
    size_gb: 'integer',
    snapshot_id: 'string',
    source_volume_id: 'string',
  },
  /** `Machines_suspend` and `Machines_start` take no body. */
  nothing: {},
  /** `UpdateMetadata`: one key, in the path. */
  setMetadata: { value: 'string' },
  stop: {
    signal: { oneOf: ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGKILL', 'SIGUSR1', 'SIGUSR2', 'SIGTERM'] },
    timeout: 'string',
  },
  assignAddress: {
    network: 'string',
    org_slug: 'string',
    region: 'string',
    service_name: 'string',
    type: { oneOf: ['v4', 'v6', 'shared_v4', 'private_v6', 'egress_v4', 'egress_v6', 'egress_pair'] },
  },
} as const satisfies Readonly<Record<string, Shape>>

/** What is wrong with a value, or null. */
export function shapeProblem(value: unknown, shape: Shape, at = 'body'): string | null {
  if (shape === 'string' || shape === 'boolean') return typeof value === shape ? null : `${at} is no ${shape}`
  if (shape === 'integer') return Number.isInteger(value) ? null : `${at} is no integer`
  if (isArray(shape)) {
    const [item] = shape
    if (!Array.isArray(value) || item === undefined) return `${at} is no array`
    return value.map((one, index) => shapeProblem(one, item, `${at}[${index}]`)).find(Boolean) ?? null
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    if (isOneOf(shape))
      return shape.oneOf.includes(String(value)) ? null : `${at} is none of ${shape.oneOf.join()}`
    return `${at} is no object`
  }
  const entries = Object.entries(value)
  if (shape === 'strings') {
    const wrong = entries.find(([, text]) => typeof text !== 'string')
    return wrong === undefined ? null : `${at}.${wrong[0]} is no string`
  }
  for (const [name, member] of entries) {
    const known = isOneOf(shape) ? undefined : shape[name]
    if (known === undefined) return `${at} has no member ${name}`
    const problem = shapeProblem(member, known, `${at}.${name}`)
    if (problem !== null) return problem
  }
  return null
}

function isArray(shape: Shape): shape is readonly Shape[] {
  return Array.isArray(shape)
}

function isOneOf(shape: Shape): shape is OneOf {
  return typeof shape === 'object' && 'oneOf' in shape
}
