import { expect, test } from 'vitest'
import { claudeCodeLine, cursorLink, mcpServersJson, vsCodeJson, vsCodeLink } from './connect-lines.ts'

const target = { name: 'tick', endpoint: 'http://localhost:7420/mcp/tick', token: 'cw_abc' }

test('Claude Code gets one line for the shell', () => {
  expect(claudeCodeLine(target)).toBe(
    "claude mcp add --transport http tick http://localhost:7420/mcp/tick --header 'Authorization: Bearer cw_abc'",
  )
})

test('an endpoint that a shell would read as more than a word is quoted', () => {
  expect(claudeCodeLine({ ...target, endpoint: 'http://h/mcp/x?a=1&b=2' })).toContain(
    ` 'http://h/mcp/x?a=1&b=2' `,
  )
})

test('a token that is not known leaves a placeholder, never an empty header', () => {
  expect(claudeCodeLine({ ...target, token: null })).toContain('Bearer YOUR_TOKEN')
  expect(mcpServersJson({ ...target, token: null })).toContain('Bearer YOUR_TOKEN')
})

test("Cursor's link carries the configuration in Base64", () => {
  const link = new URL(cursorLink(target))
  expect(link.protocol).toBe('cursor:')
  expect(link.searchParams.get('name')).toBe('tick')
  expect(JSON.parse(atob(link.searchParams.get('config') ?? ''))).toEqual({
    url: target.endpoint,
    headers: { Authorization: 'Bearer cw_abc' },
  })
})

test('Base64 with + and / survives the address', () => {
  const odd = { ...target, endpoint: 'http://h/mcp/??>>~~ÿÿ' }
  const config = new URL(cursorLink(odd)).searchParams.get('config') ?? ''
  const bytes = Uint8Array.from(atob(config), (char) => char.charCodeAt(0))
  expect(JSON.parse(new TextDecoder().decode(bytes))).toMatchObject({ url: odd.endpoint })
})

test("VS Code's link carries the configuration as encoded JSON", () => {
  const link = vsCodeLink(target)
  expect(link).toMatch(/^vscode:mcp\/install\?%7B/)
  expect(JSON.parse(decodeURIComponent(link.slice(link.indexOf('?') + 1)))).toEqual({
    name: 'tick',
    type: 'http',
    url: target.endpoint,
    headers: { Authorization: 'Bearer cw_abc' },
  })
})

test('the JSON forms name the server, its address and its header', () => {
  expect(JSON.parse(mcpServersJson(target))).toEqual({
    mcpServers: {
      tick: { type: 'http', url: target.endpoint, headers: { Authorization: 'Bearer cw_abc' } },
    },
  })
  expect(JSON.parse(vsCodeJson(target))).toHaveProperty('servers.tick.type', 'http')
})
