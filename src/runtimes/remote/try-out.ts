import { randomBytes } from 'node:crypto'
import { createBridge, type Bridge, type Launch } from '../../bridge/index.ts'
import {
  anySignal,
  CatwalkError,
  type BootProof,
  type LineSink,
  type Manifest,
  type Trial,
} from '../../domain/index.ts'

const MAX_LINES = 20

/** Shakes hands with a remote server, without anybody's secrets, and asks what it offers. */
export async function tryOut(
  launch: Launch,
  limitMs: number,
  output: LineSink,
  signal: AbortSignal,
): Promise<Trial> {
  const lines: string[] = []
  const within = anySignal([signal, AbortSignal.timeout(limitMs)])
  const startedAt = performance.now()
  const bridge: Bridge = await createBridge(
    {
      launch,
      sealKey: randomBytes(32),
      deploymentId: 'trial',
      output(stream, line) {
        output(stream, line)
        if (lines.length < MAX_LINES) lines.push(line)
      },
    },
    signal,
  )
  try {
    await bridge.check(within)
    const initializeMs = Math.round(performance.now() - startedAt)
    const manifest = await bridge.probe(within)
    return { proof: proofOf(manifest, initializeMs), manifest, lockFile: null }
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof CatwalkError)) throw error
    const { code, message } = error
    return {
      proof: { ...proofOf(null, null), failure: { code, message, lastLines: lines } },
      manifest: null,
      lockFile: null,
    }
  } finally {
    await bridge.stop(0)
  }
}

function proofOf(manifest: Manifest | null, initializeMs: number | null): BootProof {
  return {
    booted: manifest !== null,
    era: manifest?.era ?? null,
    protocolVersion: manifest?.protocolVersion ?? null,
    initializeMs,
    peakMemoryMiB: null,
    neededPlaceholders: [],
    placeholders: [],
    boots: 1,
    hosts: [],
    needsScripts: false,
    strayLines: 0,
    failure: null,
  }
}
