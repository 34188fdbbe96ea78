// direct.ts PORT: the same tools answered inside a bare node:http server: no pipe, no second process, no checks. The practical limit.
import { randomUUID } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import { answerTo, type BenchRequest } from './tools.ts'

function answer(res: ServerResponse, body: Buffer): void {
  // Sent by our own load client.
  const message = JSON.parse(body.toString()) as BenchRequest
  if (message.id === undefined) {
    res.writeHead(202, { 'content-length': 0 })
    res.end()
    return
  }
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
server.listen(Number(process.argv[2]), '127.0.0.1')
