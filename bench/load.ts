// The load client, in a process of its own: load.ts URL CONCURRENCY SECONDS TOOL BYTES. Prints one JSON line.
import { Connection } from './connection.ts'

export interface LoadResult {
  readonly callsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly errors: number
  /** All of them, warm-up included. */
  readonly calls: number
}

const WARM_UP_MS = 1000
const [address = '', concurrency = '1', seconds = '3', tool = 'echo', bytes = '16'] = process.argv.slice(2)
const url = new URL(address)
const port = Number(url.port)
const size = Number(bytes)

function headOf(session: string | null): string {
  const lines = [
    `POST ${url.pathname} HTTP/1.1`,
    `host: ${url.host}`,
    'accept: application/json, text/event-stream',
    'content-type: application/json',
    'mcp-protocol-version: 2025-06-18',
    ...(session === null ? [] : [`mcp-session-id: ${session}`]),
  ]
  return `${lines.join('\r\n')}\r\n`
}

async function openSession(): Promise<string> {
  const connection = await Connection.open(port)
  const clientInfo = { name: 'bench', version: '1' }
  const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo }
  const { head } = await connection.request(headOf(null), rpc(1, 'initialize', params))
  connection.close()
  const session = /\r\nmcp-session-id: *([^\r\n]+)/i.exec(head)?.[1]
  if (session === undefined) throw new Error('There is no session id in the answer.')
  return session
}

function rpc(id: number, method: string, params: object): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params })
}

/** Whether an answer is the one to this call; long ones are not parsed, which would measure the client. */
function isRight(body: Buffer, id: number, text: string): boolean {
  if (tool === 'big') return body.length > size && body.includes('!"') && body.includes(`"id":${id}`)
  const message = JSON.parse(body.toString()) as { id?: number; result?: { content: [{ text: string }] } }
  return message.id === id && message.result?.content[0].text === text
}

const head = headOf(await openSession())
const padding = 'p'.repeat(size)
const latencies: number[] = []
let measuring = false
const ending = new AbortController()
let errors = 0
let next = 100

async function worker(): Promise<void> {
  const connection = await Connection.open(port)
  while (!ending.signal.aborted) {
    const id = next++
    const text = `${id}-${padding}`
    const given = tool === 'big' ? { bytes: size } : { text }
    const startedAt = performance.now()
    const answer = await connection.request(head, rpc(id, 'tools/call', { name: tool, arguments: given }))
    const right = answer.status === 200 && isRight(answer.body, id, text)
    if (!right) errors++
    else if (measuring) latencies.push(performance.now() - startedAt)
  }
  connection.close()
}

const workers = Array.from({ length: Number(concurrency) }, worker)
const after = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
await after(WARM_UP_MS)
measuring = true
const begun = performance.now()
await after(Number(seconds) * 1000)
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
