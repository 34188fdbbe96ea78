import { createTokenBuckets, rateKey, type AddressReader } from '../domain/index.ts'
import type { Principal } from './principal.ts'
import type { GatewayRoute } from './route-table.ts'

/** What callers may ask for, in the memory of this replica. Rates in requests a minute, 0 for no limit. */
export interface GatewayLimits {
  readonly tokenPerMinute: number
  readonly addressPerMinute: number
  /** Requests of one address that show no valid token. */
  readonly refusedPerMinute: number
  /** Requests under way at once, streams included. */
  readonly tokenConcurrency: number
  readonly deploymentConcurrency: number
  /** Of all endpoints of a workspace that has no quotas of its own. 0 for no limit. */
  readonly workspacePerMinute: number
  readonly workspaceConcurrency: number
}

/** Whose places are all taken. */
export type Full = 'caller' | 'deployment' | 'workspace'

export interface Limiter {
  /** Counts a request of an address. Returns the milliseconds to wait, 0 when it may go on. */
  address(peer: string | undefined, forwardedFor: string | undefined): number
  /** Counts a request without a valid token. */
  refused(peer: string | undefined, forwardedFor: string | undefined): number
  /** Counts a request of somebody who was let in. */
  principal(principal: Principal): number
  /** Counts a request to an endpoint of a workspace. */
  workspace(route: GatewayRoute): number
  /** Takes a place for a request; null when it has one. Each success is followed by {@link Limiter.leave}. */
  enter(route: GatewayRoute, principal: Principal): Full | null
  leave(route: GatewayRoute, principal: Principal): void
  /** What requests of one address are counted under. */
  keyOf(peer: string | undefined, forwardedFor: string | undefined): string
}

const MAX_KNOWN = 10_000
const MAX_KNOWN_LETTERS = 200

export function createLimiter(limits: GatewayLimits, addressOf: AddressReader): Limiter {
  const addresses = createTokenBuckets(limits.addressPerMinute)
  const refusals = createTokenBuckets(limits.refusedPerMinute)
  const tokens = createTokenBuckets(limits.tokenPerMinute)
  const workspaces = createTokenBuckets(limits.workspacePerMinute)
  const underWay = new Map<string, number>()
  const known = new Map<string, string>()

  /** Reading addresses costs more than all the rest of a warm call, and most come again. */
  function keyOf(peer: string | undefined, forwardedFor: string | undefined): string {
    const text = forwardedFor === undefined ? (peer ?? '') : `${peer ?? ''} ${forwardedFor}`
    const before = known.get(text)
    if (before !== undefined) return before
    const key = rateKey(addressOf(peer, forwardedFor))
    if (known.size >= MAX_KNOWN) known.clear()
    if (text.length <= MAX_KNOWN_LETTERS) known.set(text, key)
    return key
  }

  function change(id: string, by: 1 | -1): void {
    const count = (underWay.get(id) ?? 0) + by
    if (count === 0) underWay.delete(id)
    else underWay.set(id, count)
  }

  return {
    address(peer, forwardedFor) {
      if (limits.addressPerMinute === 0) return 0
      return addresses.take(keyOf(peer, forwardedFor), performance.now())
    },
    refused: (peer, forwardedFor) => refusals.take(keyOf(peer, forwardedFor), performance.now()),
    principal: ({ limitKey, quotas }) =>
      tokens.take(limitKey, performance.now(), lesser(quotas?.callsPerMinute, limits.tokenPerMinute)),
    keyOf,
    workspace: ({ workspaceId, quotas }) =>
      workspaces.take(workspaceId, performance.now(), quotas?.callsPerMinute ?? limits.workspacePerMinute),
    enter({ deploymentId, workspaceId, quotas }, { limitKey, quotas: own }) {
      const places = lesser(own?.concurrentCalls, limits.tokenConcurrency)
      if ((underWay.get(limitKey) ?? 0) >= places) return 'caller'
      if ((underWay.get(deploymentId) ?? 0) >= limits.deploymentConcurrency) return 'deployment'
      const most = quotas?.concurrentCalls ?? limits.workspaceConcurrency
      if (most > 0 && (underWay.get(workspaceId) ?? 0) >= most) return 'workspace'
      change(limitKey, 1)
      change(deploymentId, 1)
      change(workspaceId, 1)
      return null
    },
    leave({ deploymentId, workspaceId }, { limitKey }) {
      change(limitKey, -1)
      change(deploymentId, -1)
      change(workspaceId, -1)
    },
  }
}

/** What is set for one token never lets it do more than every token may; 0 of the latter is no limit. */
function lesser(own: number | null | undefined, everyones: number): number {
  if (own === null || own === undefined) return everyones
  return everyones === 0 ? own : Math.min(own, everyones)
}
