import { expect, test } from 'vitest'
import { isOwnMachine, isRegistered, redirectHost, redirectUriProblem } from './redirect-uris.ts'

test.each([
  'https://claude.ai/api/mcp/auth_callback',
  'http://localhost:3118/callback',
  'http://127.0.0.1/callback',
  'http://[::1]:7/callback',
  'cursor://anysphere.cursor-mcp/oauth/callback',
  'com.example.app:/callback',
])('a client may be sent back to %s', (uri) => {
  expect(redirectUriProblem(uri)).toBeNull()
})

test.each([
  'http://example.com/callback',
  'http://localhost.example.com/callback',
  'http://127.0.0.1.example.com/callback',
  'https://user@example.com/callback',
  'https://example.com/callback#fragment',
  'https://example.com/callback#',
  'javascript:alert(1)',
  'JavaScript:alert(1)',
  'data:text/html,x',
  'file:///etc/passwd',
  'https://example.com/\\@evil.example',
  'https://example.com/ x',
  'java\nscript:alert(1)',
  'https://exаmple.com/with-a-cyrillic-letter',
  '/callback',
  `https://example.com/${'x'.repeat(3000)}`,
])('a client is never sent back to %s', (uri) => {
  expect(redirectUriProblem(uri)).not.toBeNull()
  expect(isRegistered([uri], uri)).toBe(false)
})

test.each([
  ['https://claude.ai/callback', 'https://claude.ai/callback', true],
  ['https://claude.ai/callback', 'https://claude.ai/callback/', false],
  ['https://claude.ai/callback', 'https://claude.ai/callback?next=evil', false],
  ['https://claude.ai/callback', 'https://claude.ai:8443/callback', false],
  ['https://claude.ai/callback', 'https://claude.ai.evil.example/callback', false],
  ['https://claude.ai/callback', 'https://claude.ai/callback/../../evil', false],
  ['https://claude.ai/callback', 'HTTPS://claude.ai/callback', false],
  ['http://localhost/callback', 'http://localhost:41234/callback', true],
  ['http://localhost:3000/callback', 'http://localhost:41234/callback', true],
  ['http://127.0.0.1:3000/callback', 'http://127.0.0.1/callback', true],
  ['http://localhost/callback', 'http://127.0.0.1:41234/callback', false],
  ['http://localhost/callback', 'http://localhost:41234/other', false],
  ['http://localhost/callback', 'https://localhost:41234/callback', false],
  ['http://localhost/callback', 'http://localhost:1@evil.example/callback', false],
  ['http://localhost/callback', 'http://localhost:999999/callback', false],
])('with %s registered, %s is %s', (registered, asked, allowed) => {
  expect(isRegistered([registered], asked)).toBe(allowed)
})

test('a person is warned of redirects to the own machine, and shown where they lead', () => {
  expect(isOwnMachine('http://localhost:3000/callback')).toBe(true)
  expect(isOwnMachine('cursor://anysphere.cursor-mcp/oauth/callback')).toBe(true)
  expect(isOwnMachine('https://claude.ai/callback')).toBe(false)
  expect(redirectHost('https://claude.ai/callback')).toBe('claude.ai')
  expect(redirectHost('http://localhost:3000/callback')).toBe('localhost:3000')
  expect(redirectHost('cursor://anysphere.cursor-mcp/oauth/callback')).toBe('cursor')
})
