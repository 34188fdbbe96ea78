import type {
  BootProof,
  Instance,
  InstanceEnd,
  InstanceInput,
  Manifest,
  Runtime,
  RuntimeKind,
} from '../../src/domain/index.ts'

export const MANIFEST: Manifest = {
  protocolVersion: '2025-11-25',
  serverInfo: { name: 'fake', version: '1' },
  capabilities: { tools: {} },
  instructions: null,
  tools: [{ name: 'echo', inputSchema: { type: 'object' } }],
  resources: [],
  resourceTemplates: [],
  prompts: [],
}

const NO_PROOF: BootProof = {
  booted: true,
  era: 'legacy',
  protocolVersion: '2025-11-25',
  initializeMs: 1,
  peakMemoryMiB: null,
  neededPlaceholders: [],
  placeholders: [],
  boots: 1,
  hosts: [],
  needsScripts: false,
  strayLines: 0,
  failure: null,
}

/** An instance of the fake runtime, with the handle to end it as if its process had died. */
export interface FakeInstance extends Instance {
  readonly input: InstanceInput
  die(end: InstanceEnd): void
  /** What it says of how long nobody used it; null: something is under way. */
  idle: number | null
}

export interface FakeRuntime extends Runtime {
  /** Replace to fail, wait or look at what is asked. */
  onPrepare: (signal: AbortSignal) => Promise<void>
  onStart: (input: InstanceInput, signal: AbortSignal) => Promise<void>
  onProbe: (instance: FakeInstance, signal: AbortSignal) => Promise<Manifest>
  onCheck: (instance: FakeInstance, signal: AbortSignal) => Promise<void>
  readonly started: FakeInstance[]
  readonly purged: string[]
  /** Whom it was last told to keep the homes of. */
  keptPeople: ReadonlySet<string> | null
}

/** A runtime without processes, for tests of what drives runtimes. */
export function createFakeRuntime(kind: RuntimeKind = 'local'): FakeRuntime {
  const runtime: FakeRuntime = {
    kind,
    supports: {
      packages: ['npm', 'pypi', 'git'],
      memoryLimit: true,
      serverLogs: true,
      networkPolicies: ['none', 'internet'],
      suspend: false,
      survivesRestart: false,
      people: true,
    },
    onPrepare: async () => {},
    onStart: async () => {},
    onProbe: async () => MANIFEST,
    onCheck: async () => {},
    started: [],
    purged: [],
    keptPeople: null,
    status: async () => ({ ok: true, detail: 'fake' }),
    async prepare(input, signal) {
      input.output('stdout', 'added 1 package')
      await runtime.onPrepare(signal)
      return { lockFile: '{"lockfileVersion":3}', packages: 1, fromStore: input.lockFile !== null }
    },
    async start(input, signal) {
      await runtime.onStart(input, signal)
      const ended = Promise.withResolvers<InstanceEnd>()
      const instance: FakeInstance = {
        id: input.instanceId,
        input,
        ended: ended.promise,
        die: ended.resolve,
        endpoint: {
          handle: (_, res) => res.writeHead(204).end(),
          request: async () => ({ content: [] }),
          probe: (probeSignal) => runtime.onProbe(instance, probeSignal),
        },
        release: () => [],
        idleMs: () => instance.idle,
        check: async (checkSignal) => runtime.onCheck(instance, checkSignal),
        idle: 0,
        async stop() {
          ended.resolve({ reason: 'stopped', exitCode: 0, signal: null })
          await ended.promise
        },
      }
      runtime.started.push(instance)
      return instance
    },
    tryOut: async () => ({ proof: NO_PROOF, manifest: MANIFEST, lockFile: '{"lockfileVersion":3}' }),
    async purge(deploymentId) {
      runtime.purged.push(deploymentId)
    },
    async keepPeople(_, people) {
      runtime.keptPeople = people
    },
  }
  return runtime
}

/** Resolves never, rejects when the signal is aborted. */
export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = (): void => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
  })
}
