// The same tools answered inside a bare node:http server: no pipe, no second process, no checks. The practical limit.
import { randomUUID } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { answerTo, type BenchRequest } from './tools.ts'

function answer(res: ServerResponse, body: Buffer): void {
  // Sent by our own load client.
  const message = JSON.parse(body.toString()) as BenchRequest
  const text = Buffer.from(answerTo(message))
  const headers = { 'content-type': 'application/json', 'content-length': text.length }
  res.writeHead(
    200,
    message.method === 'initialize' ? { ...headers, 'mcp-session-id': randomUUID() } : headers,
  )
  res.end(text)
}

const server = createServer((req, res) => {
  const parts: Buffer[] = []
  req.on('data', (part: Buffer) => parts.push(part))
  req.on('end', () => answer(res, Buffer.concat(parts)))
})
server.listen(0, '127.0.0.1', () => {
  // A server that listens on TCP has an address with a port.
  const { port } = server.address() as AddressInfo
  process.stdout.write(`http://127.0.0.1:${port}/mcp\n`)
})
