// pass-through.ts PORT COMMAND...: a bare node:http server that hands each body to a stdio server and its line back, with no
// check at all and ids as they are: what crossing a process costs by itself. Nothing that only serves could be cheaper.
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'

const [port, command = '', ...args] = process.argv.slice(2)
const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
/** By id, in the order in which they came: handshakes of several sessions have the same one, and are answered in turn. */
const waiting = new Map<string, ServerResponse[]>()
let rest: Buffer[] = []

/** The load client sends small numbers, and the bench's server sends them back where it found them: at the start. */
function idOf(line: Buffer): string {
  return /"id":(\d+)/.exec(line.toString('latin1', 0, 64))?.[1] ?? ''
}

function answer(parts: readonly Buffer[]): void {
  const [first] = parts
  const id = first === undefined ? '' : idOf(first)
  const queue = waiting.get(id)
  const res = queue?.shift()
  if (queue?.length === 0) waiting.delete(id)
  if (res === undefined) return
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  res.writeHead(200, {
    'content-type': 'application/json',
    'content-length': length,
    'mcp-session-id': randomUUID(),
  })
  res.cork()
  for (const part of parts) res.write(part)
  res.end()
}

child.stdout.on('data', (chunk: Buffer) => {
  let start = 0
  for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
    answer([...rest, chunk.subarray(start, end)])
    rest = []
    start = end + 1
  }
  if (start < chunk.length) rest.push(chunk.subarray(start))
})

createServer((req, res) => {
  const parts: Buffer[] = []
  req.on('data', (part: Buffer) => parts.push(part))
  req.on('end', () => {
    const body = Buffer.concat(parts)
    const id = idOf(body)
    if (id !== '') waiting.set(id, [...(waiting.get(id) ?? []), res])
    else res.writeHead(202, { 'content-length': 0 }).end()
    child.stdin.write(`${body.toString('latin1')}\n`, 'latin1')
  })
}).listen(Number(port), '127.0.0.1')
process.on('SIGTERM', () => {
  child.kill()
  process.exit()
})
