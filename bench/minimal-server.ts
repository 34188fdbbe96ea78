import { spawn } from 'node:child_process'
import type { Program } from '../test/support/program.ts'

/** As little as a server on npm can be, so that what is measured is ours and Node's. */
export const SERVER = `#!/usr/bin/env node
const answers = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: 'minimal', version: '1' },
  }),
  ping: () => ({}),
  'tools/list': () => ({ tools: [{ name: 'echo', inputSchema: { type: 'object' } }] }),
  'tools/call': () => ({ content: [{ type: 'text', text: 'here' }] }),
}
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line)
  if (id === undefined) return
  const answer = answers[method]
  const rest = answer ? { result: answer(params ?? {}) } : { error: { code: -32601, message: 'no' } }
  process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, ...rest }) + '\\n')
})
`

/** A deployment of it. */
export interface Deployed {
  readonly id: string
  readonly slug: string
  readonly token: string
}

/** One call of the modern era: no session, so nothing but the wake and the call is measured. */
export async function call({ origin }: Pick<Program, 'origin'>, { slug, token }: Deployed): Promise<number> {
  const startedAt = performance.now()
  const response = await fetch(`${origin}/mcp/${slug}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'echo',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: {
        name: 'echo',
        arguments: {},
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1' },
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    }),
  })
  const text = await response.text()
  if (!text.includes('here')) throw new Error(`${slug} answered ${response.status} ${text}`)
  return performance.now() - startedAt
}

/** The same server without us: from spawn to the answer of the first call. */
export async function bareStart(file: string): Promise<number> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, [file], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ask = async (id: number, method: string): Promise<void> =>
    new Promise((resolve) => {
      child.stdout.once('data', () => resolve())
      child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params: {} })}\n`)
    })
  await ask(1, 'initialize')
  await ask(2, 'tools/call')
  const took = performance.now() - startedAt
  child.kill('SIGKILL')
  return took
}
