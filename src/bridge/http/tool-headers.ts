import type { JsonObject } from '../../domain/index.ts'
import { mirroredParams, type Envelope, type MirroredParam } from '../../protocol/index.ts'
import { isObject } from '../processes/handshake.ts'
import { collect } from '../processes/probe.ts'
import type { Upstream } from '../processes/upstream.ts'

/** Which arguments of which tools are repeated in headers, from the lists that the server gave last. */
export interface ToolHeaders {
  /** Whether a list has been read. */
  readonly known: boolean
  /** The annotated arguments of a tool. */
  find(tool: string): readonly MirroredParam[]
  /** Reads the server's list. Never rejects: a server that gives none has no annotations. */
  load(upstream: Upstream): Promise<void>
  /** Takes notice of a list on its way to a client. */
  learn(result: JsonObject): void
}

const NONE: readonly MirroredParam[] = []
const LOAD_MS = 10_000

export function createToolHeaders(): ToolHeaders {
  const annotated = new Map<string, readonly MirroredParam[]>()
  let known = false
  let loading: Promise<void> | null = null

  function learnTool(tool: unknown): void {
    if (!isObject(tool) || typeof tool['name'] !== 'string') return
    const params = mirroredParams(tool['inputSchema'])
    if (params.length > 0) annotated.set(tool['name'], params)
    else annotated.delete(tool['name'])
  }

  async function load(upstream: Upstream): Promise<void> {
    try {
      const tools = await collect(upstream, 'tools/list', 'tools', AbortSignal.timeout(LOAD_MS))
      tools.forEach(learnTool)
    } catch {
      // Then its tools cannot be called either.
    }
    known = true
    loading = null
  }

  return {
    get known() {
      return known
    },
    find: (tool) => annotated.get(tool) ?? NONE,
    load: async (upstream) => {
      if (!known) await (loading ??= load(upstream))
    },
    learn({ tools }) {
      if (Array.isArray(tools)) for (const tool of tools as unknown[]) learnTool(tool)
    },
  }
}

/** The result in a server's answer; empty for an error, and for what only looked like JSON. */
export function resultAt(line: Buffer, { result }: Envelope): JsonObject {
  if (result === null) return {}
  try {
    const value: unknown = JSON.parse(line.toString('utf8', result.start, result.end))
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}
