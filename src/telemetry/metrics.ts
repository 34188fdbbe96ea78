import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { CallOutcome, DeploymentState, ReleaseState, RuntimeKind, StoreUse } from '../domain/index.ts'

export type HttpOutcome = 'ok' | 'error' | 'refused' | 'limited' | 'unavailable' | 'cancelled'

/** Counts as they are at this moment, asked for at each scrape. */
export interface Census {
  readonly deployments: Readonly<Partial<Record<DeploymentState, number>>>
  readonly instances: number
  /** Stores of installed packages, by runtime. */
  readonly stores: readonly (StoreUse & { readonly kind: RuntimeKind })[]
}

/** One helper per event. Durations come in milliseconds and are published in seconds, as Prometheus wants them. */
export interface Metrics {
  /** A request to the API or dashboard. `route` is the pattern, never the address: its values would be unbounded. */
  httpRequest(event: { method: string; route: string; status: number; durationMs: number }): void
  /** A request to an endpoint. */
  mcpCall(event: { outcome: HttpOutcome; durationMs: number }): void
  /** A JSON-RPC request to an endpoint; `method` as its caller wrote it. */
  mcpRequest(event: { method: string | null; outcome: CallOutcome; durationMs: number }): void
  /** The reconciler moved a release to a state, or failed to. */
  reconcilerStep(event: { step: ReleaseState; outcome: 'done' | 'failed'; durationMs: number }): void
  instanceEnded(event: { reason: 'stopped' | 'exited' | 'out_of_memory' | 'home_full' }): void
  /** Sets where the counts of deployments and instances come from. */
  countWith(census: () => Promise<Census>): void
  /** The exposition text and its content type. */
  render(): Promise<{ contentType: string; body: string }>
}

const FAST = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const SLOW = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300]

/** Others are counted as one: callers could make up new ones without end. */
const METHODS: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'server/discover',
  'tools/list',
  'tools/call',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'prompts/list',
  'prompts/get',
  'completion/complete',
  'logging/setLevel',
  'subscriptions/listen',
])

/** The program's metrics in a registry of their own; process and event-loop metrics included. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })

  const http = new Histogram({
    name: 'catwalk_http_request_duration_seconds',
    help: 'Requests to the API and dashboard',
    labelNames: ['method', 'route', 'status'],
    buckets: FAST,
    registers,
  })
  const calls = new Histogram({
    name: 'catwalk_mcp_call_duration_seconds',
    help: 'Requests to MCP endpoints, until the answer is complete',
    labelNames: ['outcome'],
    buckets: FAST,
    registers,
  })
  const requests = new Histogram({
    name: 'catwalk_mcp_request_duration_seconds',
    help: 'JSON-RPC requests to MCP servers, by method',
    labelNames: ['method', 'outcome'],
    buckets: FAST,
    registers,
  })
  const steps = new Histogram({
    name: 'catwalk_reconciler_step_duration_seconds',
    help: 'Steps of deploying a release',
    labelNames: ['step', 'outcome'],
    buckets: SLOW,
    registers,
  })
  const ended = new Counter({
    name: 'catwalk_instances_ended_total',
    help: 'Instances that ended, by reason',
    labelNames: ['reason'],
    registers,
  })
  const deployments = new Gauge({
    name: 'catwalk_deployments',
    help: 'Deployments by state',
    labelNames: ['state'],
    registers,
  })
  const instances = new Gauge({ name: 'catwalk_instances', help: 'Instances that run', registers })

  const storeBytes = new Gauge({
    name: 'catwalk_store_bytes',
    help: 'Disk space of installed packages',
    labelNames: ['runtime'],
    registers,
  })
  const evicted = new Gauge({
    name: 'catwalk_store_evicted',
    help: 'Installations removed since the start because no release needs them',
    labelNames: ['runtime'],
    registers,
  })

  let census: (() => Promise<Census>) | null = null

  return {
    httpRequest: ({ durationMs, method, route, status }) =>
      http.observe({ method, route, status }, durationMs / 1000),
    mcpCall: ({ durationMs, outcome }) => calls.observe({ outcome }, durationMs / 1000),
    mcpRequest: ({ method, outcome, durationMs }) =>
      requests.observe(
        { method: method !== null && METHODS.has(method) ? method : 'other', outcome },
        durationMs / 1000,
      ),
    reconcilerStep: ({ durationMs, step, outcome }) => steps.observe({ step, outcome }, durationMs / 1000),
    instanceEnded: ({ reason }) => ended.inc({ reason }),
    countWith(next) {
      census = next
    },
    async render() {
      const counts = await census?.()
      if (counts) {
        // A state that nobody is in any more must not keep its last count.
        deployments.reset()
        for (const [state, count] of Object.entries(counts.deployments)) deployments.set({ state }, count)
        instances.set(counts.instances)
        for (const { kind: runtime, storeMiB, evicted: removed } of counts.stores) {
          storeBytes.set({ runtime }, storeMiB * 1024 * 1024)
          evicted.set({ runtime }, removed)
        }
      }
      return { contentType: registry.contentType, body: await registry.metrics() }
    },
  }
}
