// The load client, in a process of its own: load.ts JSON. Prints one JSON line.
import { Connection, type Answer } from './connection.ts'
import { callOf, headOf, lastMessage, openSession, type Manner } from './mcp-client.ts'

export interface Load extends Manner {
  readonly sessions: number
  /** Calls under way at once. */
  readonly concurrency: number
  readonly tool: 'echo' | 'big'
  /** Letters of the text, there or back. */
  readonly bytes: number
  readonly seconds: number
}

export interface LoadResult {
  readonly callsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly errors: number
  /** All of them, warm-up included. */
  readonly calls: number
}

const WARM_UP_MS = 1000
const OPEN_AT_ONCE = 10
// Written by measureLoad().
const load = JSON.parse(process.argv[2] ?? '') as Load
const port = Number(new URL(load.url).port)

/** Whether an answer is the one to this call; long ones are not parsed, which would measure the client. */
function isRight(answer: Answer, id: number, text: string): boolean {
  if (answer.status !== 200) return false
  const body = lastMessage(answer)
  if (load.tool === 'big')
    return body.length > load.bytes && body.includes('!"') && body.includes(`"id":${id}`)
  const message = JSON.parse(body.toString()) as { id?: number; result?: { content: [{ text: string }] } }
  return message.id === id && message.result?.content[0].text === text
}

async function openHead(): Promise<string> {
  const connection = await Connection.open(port)
  const session = await openSession(connection, load)
  connection.close()
  return headOf(load, session, load.tool)
}

const heads: string[] = []
while (heads.length < load.sessions) {
  const count = Math.min(OPEN_AT_ONCE, load.sessions - heads.length)
  heads.push(...(await Promise.all(Array.from({ length: count }, openHead))))
}
const padding = 'p'.repeat(load.bytes)
const latencies: number[] = []
let measuring = false
const ending = new AbortController()
let errors = 0
let next = 100

async function worker(_: unknown, index: number): Promise<void> {
  let connection = await Connection.open(port)
  for (let turn = index; !ending.signal.aborted; turn += load.concurrency) {
    if (!connection.open) connection = await Connection.open(port)
    const id = next++
    const text = `${id}-${padding}`
    const given = load.tool === 'big' ? { bytes: load.bytes } : { text }
    const startedAt = performance.now()
    const body = callOf(load, id, load.tool, given)
    const right = await connection
      .request(heads[turn % heads.length] ?? '', body)
      .then((answer) => isRight(answer, id, text))
      .catch(() => false)
    if (!right) errors++
    else if (measuring) latencies.push(performance.now() - startedAt)
  }
  connection.close()
}

const workers = Array.from({ length: load.concurrency }, worker)
const after = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
await after(WARM_UP_MS)
measuring = true
const begun = performance.now()
await after(load.seconds * 1000)
const elapsed = (performance.now() - begun) / 1000
const calls = latencies.length
ending.abort()
await Promise.all(workers)
latencies.sort((a, b) => a - b)
const quantile = (q: number) => latencies[Math.floor(q * latencies.length)] ?? Number.NaN
const result: LoadResult = {
  callsPerSecond: calls / elapsed,
  p50Ms: quantile(0.5),
  p99Ms: quantile(0.99),
  errors,
  calls: next - 100,
}
process.stdout.write(`${JSON.stringify(result)}\n`)
