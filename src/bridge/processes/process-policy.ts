import type { JsonObject, ServerEra } from '../../domain/index.ts'
import type { BridgeCore } from '../context.ts'
import { clientAcross } from '../translation/capabilities.ts'
import type { Era } from './era.ts'

/**
 * How legacy sessions are spread over processes. `auto`: clients that can be asked something by the server get a process
 * each, the others share one. `shared`: all share one, which is told that its client can do nothing of the kind.
 * `per-session`: a process for each. Calls of the modern era follow: a legacy process of their own only where they
 * declare such capabilities, and never with `shared`.
 */
export type ProcessPolicy = 'auto' | 'shared' | 'per-session'

/** Capabilities by which a server addresses requests to its client, so that it must know which one it has. */
const ASKABLE = ['sampling', 'elicitation', 'roots'] as const

/** Whether a client with these capabilities can be asked something by the server. */
export function canBeAsked(capabilities: object): boolean {
  return ASKABLE.some((name) => name in capabilities)
}

/** Whether a legacy session with these capabilities gets a process of its own, if the server speaks that era. */
export function wantsOwnProcess(context: BridgeCore, capabilities: object): boolean {
  if (context.processes === 'per-session') return true
  return context.processes === 'auto' && canBeAsked(capabilities)
}

/** What a server gets to know of the capabilities of a client, whose process is not per session. */
export function toldOf(
  server: ServerEra,
  processes: Exclude<ProcessPolicy, 'per-session'>,
  client: Era,
  declared: JsonObject,
): JsonObject {
  const spoken = server === 'dual' ? client : server
  if (spoken === 'legacy' && (processes === 'shared' || !canBeAsked(declared))) return {}
  return spoken === client ? declared : clientAcross(declared)
}
