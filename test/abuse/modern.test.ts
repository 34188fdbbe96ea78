import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { textOf } from '../bridge/session-client.ts'
import { until } from '../support/until.ts'
import { MIB, startAbused, type Abused } from './abused.ts'
import { modernTool, openModern, sendModern } from './modern-client.ts'

const program = (name: string) =>
  fileURLToPath(new URL(`../conformance/fixtures/${name}-server.ts`, import.meta.url))

describe.each(['legacy', 'modern'])('2026-07-28 and a %s server', (name) => {
  let bridge: Abused
  beforeAll(async () => {
    bridge = await startAbused([process.execPath, program(name)])
  })
  afterAll(() => bridge[Symbol.asyncDispose]())

  test('each client that vanishes in the middle of its call has it cancelled at the server', async () => {
    const call = modernTool('test_until_cancelled')
    const vanishing = Array.from({ length: 50 }, () => openModern(bridge.url, call))
    // Answered by the same process after those have reached it.
    const sent = vanishing.map(async ({ request }) => {
      if (!request.writableFinished) await once(request, 'finish')
    })
    await Promise.all(sent)
    await sendModern(bridge.url, modernTool('test_simple_text'))
    for (const { request } of vanishing) request.destroy()
    await until('all are cancelled', async () => {
      const [answer] = (await sendModern(bridge.url, modernTool('test_cancelled_calls'))).messages
      return textOf(answer ?? {}) === '50' ? true : null
    })
    expect((await bridge.memory()).held / MIB).toBeLessThan(64)
  })

  test('one id and one progress token from 50 callers at once cross and lose nothing', async () => {
    const call = modernTool('test_tool_with_progress', {}, { id: '__proto__', progressToken: 'token' })
    const answers = await Promise.all(Array.from({ length: 50 }, () => sendModern(bridge.url, call)))
    for (const { messages } of answers) {
      expect(messages.slice(0, -1).map(({ params }) => params)).toMatchObject(
        [0, 50, 100].map((progress) => ({ progressToken: 'token', progress })),
      )
      expect(messages.at(-1)).toMatchObject({ id: '__proto__', result: {} })
    }
  })

  test.for([
    ['a name in the header that is not the body’s', { 'mcp-name': 'test_error_handling' }],
    ['a name that hides a line break', { 'mcp-name': '=?base64?dGVzdF9zaW1wbGVfdGV4dA0KeDogeQ==?=' }],
    ['another method in the header', { 'mcp-method': 'tools/list' }],
    ['another revision in the header', { 'mcp-protocol-version': '2025-11-25' }],
    ['no name in the header', { 'mcp-name': undefined }],
  ] as const)('%s is refused before the server hears of it', async ([, headers]) => {
    const { status, messages } = await sendModern(bridge.url, modernTool('test_simple_text', {}, { headers }))
    expect([status, messages[0]?.error?.code]).toEqual([400, -32_020])
  })
})
