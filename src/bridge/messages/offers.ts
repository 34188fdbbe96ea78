import {
  capabilitySetOf,
  MOST_SETS,
  NO_CAPABILITIES,
  orAborted,
  type JsonObject,
  type ToolDoor,
} from '../../domain/index.ts'
import type { BridgeContext } from '../context.ts'
import { offersTo } from '../processes/probe.ts'
import type { Upstream } from '../processes/upstream.ts'

/** Clients that a server knows the same of. */
interface Told {
  readonly set: string
  readonly declared: JsonObject
}

const LOOK_MS = 10_000
/** A server that cannot be looked at for a set has its lists compared as if they were for everybody. */
const MOST_FAILURES = 3

/** How often a look failed, or how it stands; and what such clients declare. */
interface Look {
  readonly state: number | 'under way' | 'done'
  readonly declared: JsonObject
}

/** By capability set. */
const looks = new WeakMap<ToolDoor, Map<string, Look>>()
/** Digests of the lists that were passed on last, by capability set. */
const lastSeen = new WeakMap<ToolDoor, Map<string | null, string>>()
const looking = new WeakSet<Upstream>()

/**
 * Looks at all that a server offers clients with these capabilities: once for each set while it runs, and again after it
 * said that its list is another one. Never rejects.
 */
export async function lookAtOffers(
  context: BridgeContext,
  tools: ToolDoor,
  upstream: Upstream,
  { set, declared }: Told,
): Promise<void> {
  const known = looksOf(tools)
  const failures = known.get(set)?.state ?? 0
  if (typeof failures === 'string' || failures >= MOST_FAILURES) return
  if (!known.has(set) && known.size >= MOST_SETS) return
  known.set(set, { state: 'under way', declared })
  try {
    const signal = AbortSignal.timeout(LOOK_MS)
    // What has changed for everybody must not pass for something that depends on capabilities.
    if (!tools.knows(set)) {
      const plain = await orAborted(context.pool.shared.open(upstream.era), signal)
      if (plain !== null) tools.saw((await offersTo(plain, {}, signal)).tools)
    }
    tools.offered(set, await offersTo(upstream, declared, signal))
    // Not taken before the release is known to be live, nor when it is too long.
    known.set(set, { state: tools.knows(set) ? 'done' : failures + 1, declared })
  } catch {
    known.set(set, { state: failures + 1, declared })
  }
}

/** Whether a list for such clients is being looked at, so that nobody can say yet whether something in it has changed. */
export function isLookedAt(tools: ToolDoor, set: string | null): boolean {
  return set !== null && !tools.knows(set) && looksOf(tools).get(set)?.state === 'under way'
}

/** Whether a list is not the one that clients of this set were given before. */
export function isAnother(tools: ToolDoor, set: string | null, digest: string): boolean {
  const seen = lastSeen.get(tools) ?? new Map<string | null, string>()
  lastSeen.set(tools, seen)
  if (seen.get(set) === digest) return false
  if (seen.size > MOST_SETS) seen.clear()
  seen.set(set, digest)
  return true
}

/** Looks at the list of a server that says it has changed; once at a time. Never rejects. */
export async function lookAgain(context: BridgeContext, upstream: Upstream): Promise<void> {
  const { tools } = context
  if (tools === null || looking.has(upstream)) return
  looking.add(upstream)
  try {
    const { told: declared } = upstream
    const set = capabilitySetOf(declared)
    const isPlain = set === null || set === NO_CAPABILITIES
    if (isPlain) tools.saw((await offersTo(upstream, declared, AbortSignal.timeout(LOOK_MS))).tools)
    const known = looksOf(tools)
    // A process of the modern era serves clients of all sets.
    const all = [...known].map(([other, look]) => ({ set: other, declared: look.declared }))
    const own = isPlain ? [] : [{ set, declared }]
    for (const told of upstream.era === 'modern' ? all : own) {
      if (known.get(told.set)?.state === 'done') known.delete(told.set)
      await lookAtOffers(context, tools, upstream, told)
    }
  } catch {
    // Whoever asks for the list next has it looked at.
  } finally {
    looking.delete(upstream)
  }
}

function looksOf(tools: ToolDoor): Map<string, Look> {
  const known = looks.get(tools) ?? new Map<string, Look>()
  looks.set(tools, known)
  return known
}
