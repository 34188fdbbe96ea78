import { setTimeout } from 'node:timers/promises'
import { anySignal, RpcError, type JsonObject } from '../../domain/index.ts'
import { isModernVersion, LATEST_MODERN, META_KEYS } from '../../protocol/index.ts'
import { ask } from './ask.ts'
import { isObject, OURSELVES, SHARED_INTRODUCTION, shakeHands } from './handshake.ts'
import type { Handshake, Upstream } from './upstream.ts'

/** How one connection is spoken: with a handshake (until 2025-11-25), or with all that is needed in each request. */
export type Era = 'legacy' | 'modern'

/** What a process turned out to speak. Both when it answered a handshake that was sent after its `server/discover`. */
export interface Found {
  readonly discovered: JsonObject | null
  readonly handshake: Handshake | null
}

/** A server that has not answered `server/discover` after this time is greeted the legacy way as well. */
const SILENCE_MS = 1000
/** For an answer to `server/discover` that comes after the one to `initialize`. */
const LATE_MS = 250

/** For a server that refused the handshake to say whether it is a modern one. */
const REFUSED_MS = 5000

/** `_meta` of requests of our own in the modern era. */
export const OUR_META: JsonObject = {
  [META_KEYS.version]: LATEST_MODERN,
  [META_KEYS.client]: OURSELVES,
  [META_KEYS.capabilities]: {},
}

/**
 * Opens a process whose era is not known: `server/discover` first, then the handshake (2026-07-28, stdio, backward
 * compatibility). A process that is still starting is as silent as a legacy one that ignores the question. So after a
 * while the handshake is sent too: it is the answer to that which shows that the process is ready.
 * @throws CatwalkError when it speaks neither, or ends
 */
export async function probeEra(upstream: Upstream, signal: AbortSignal): Promise<Found> {
  const asked = discover(upstream, signal)
  asked.catch(() => undefined)
  const silence = new AbortController()
  const heard = await Promise.race([
    asked,
    setTimeout(SILENCE_MS, 'silent' as const, { signal: silence.signal }),
  ])
  if (heard !== 'silent') {
    silence.abort()
    if (heard !== null) return { discovered: opened(upstream, heard), handshake: null }
    return { discovered: null, handshake: await shakeHands(upstream, SHARED_INTRODUCTION, signal) }
  }
  const greeted = shakeHands(upstream, SHARED_INTRODUCTION, signal)
  const handshake = await greeted.catch((error: unknown) =>
    error instanceof Error ? error : new Error(String(error)),
  )
  const late = await Promise.race([asked.catch(() => null), setTimeout(LATE_MS, null)])
  if (!(handshake instanceof Error)) return { discovered: late, handshake }
  if (late === null) throw handshake
  return { discovered: opened(upstream, late), handshake: null }
}

/**
 * Opens a process of the modern era; null when the server does not speak it.
 * @throws CatwalkError when it ends or `signal` fires
 */
export async function openModern(upstream: Upstream, signal: AbortSignal): Promise<JsonObject | null> {
  const result = await discover(upstream, signal)
  return result === null ? null : opened(upstream, result)
}

/**
 * Opens a process with a handshake; where that is refused, in the modern era.
 * @throws CatwalkError when it speaks neither, ends or `signal` fires
 */
export async function openLegacy(
  upstream: Upstream,
  mayBeModern: boolean,
  signal: AbortSignal,
): Promise<Found> {
  try {
    return { discovered: null, handshake: await shakeHands(upstream, SHARED_INTRODUCTION, signal) }
  } catch (error) {
    if (!mayBeModern || !upstream.alive) throw error
    const soon = anySignal([signal, AbortSignal.timeout(REFUSED_MS)])
    const discovered = await openModern(upstream, soon).catch(() => null)
    if (discovered === null) throw error
    return { discovered, handshake: null }
  }
}

function opened(upstream: Upstream, result: JsonObject): JsonObject {
  upstream.era = 'modern'
  upstream.discovered = result
  return result
}

async function discover(upstream: Upstream, signal: AbortSignal): Promise<JsonObject | null> {
  try {
    const result = await ask(upstream, 'server/discover', { _meta: OUR_META }, '', signal)
    return isDiscovery(result) ? result : null
  } catch (error) {
    // Whatever a legacy server says to a method that it does not know.
    if (error instanceof RpcError) return null
    throw error
  }
}

function isDiscovery(result: JsonObject): boolean {
  const { supportedVersions, capabilities } = result
  if (!Array.isArray(supportedVersions) || !isObject(capabilities)) return false
  return (supportedVersions as unknown[]).some(
    (version) => typeof version === 'string' && isModernVersion(version),
  )
}

/** The revisions of the modern era that both a server and we speak, as it listed them. */
export function commonVersions(discovered: JsonObject): string[] {
  const { supportedVersions } = discovered
  if (!Array.isArray(supportedVersions)) return []
  return (supportedVersions as unknown[]).filter(
    (version): version is string => typeof version === 'string' && isModernVersion(version),
  )
}
