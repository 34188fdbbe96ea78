import { setTimeout as delay } from 'node:timers/promises'
import {
  anySignal,
  toolSheet,
  type KnownTools,
  type LineSink,
  type ToolSheet,
  type ToolSource,
} from '../../domain/index.ts'
import type { FarEndpoint } from '../../forwarding/index.ts'

const ANSWER_MS = 5_000
const FIRST_RETRY_MS = 50
const LONGEST_RETRY_MS = 1_000
const UNKNOWN =
  'What is set for tools does not reach this server: its image is of an earlier version of Catwalk. Build it anew.'

export interface ToolTelling {
  readonly endpoint: Pick<FarEndpoint, 'send'>
  readonly source: ToolSource
  readonly output: LineSink
  /** Ends it. */
  readonly signal: AbortSignal
}

interface Told {
  readonly sheet: ToolSheet
  readonly text: string
}

/**
 * Tells a bridge elsewhere what is set for tools, at once when it changes and again until it has said that it knows.
 * @returns to be called when the bridge may know less than it was told, such as on a new connection
 */
export function tellTools({ endpoint, source, output, signal }: ToolTelling): () => void {
  let seen: KnownTools | undefined
  let wanted: Told | null = null
  let told: string | null = null
  let isTelling = false

  async function tell(): Promise<void> {
    if (isTelling) return
    isTelling = true
    let retryMs = FIRST_RETRY_MS
    for (let next = untold(); next !== null; next = untold()) {
      const status = await send(next.sheet)
      if (status === 200 || status === 404) {
        told = next.text
        retryMs = FIRST_RETRY_MS
      } else {
        await delay(retryMs, undefined, { signal }).catch(() => undefined)
        retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS)
      }
      if (status === 404) output('system', UNKNOWN)
    }
    isTelling = false
  }

  function untold(): Told | null {
    return signal.aborted || wanted?.text === told ? null : wanted
  }

  async function send(sheet: ToolSheet): Promise<number | undefined> {
    try {
      const limit = anySignal([signal, AbortSignal.timeout(ANSWER_MS)])
      const answer = await endpoint.send('POST', '/tools', sheet, limit)
      answer.resume()
      return answer.statusCode
    } catch {
      return undefined
    }
  }

  function look(): void {
    const known = source.current()
    // Most changes are of other deployments.
    if (known === undefined || known === seen) return
    seen = known
    const sheet = toolSheet(known)
    wanted = { sheet, text: JSON.stringify(sheet) }
    void tell()
  }

  const unwatch = source.onChange(look)
  signal.addEventListener('abort', unwatch, { once: true })
  return () => {
    told = null
    look()
    void tell()
  }
}
