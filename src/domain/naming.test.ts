import { expect, test } from 'vitest'
import { slugify, suggestName } from './naming.ts'

test.each([
  ['@modelcontextprotocol/server-everything', 'Everything'],
  ['@acme/notion-mcp-server', 'Notion'],
  ['mcp-discord', 'Discord'],
  ['@line/line-bot-mcp-server', 'Line Bot'],
  ['@mui/mcp', 'Mui'],
  ['mcp-server', 'Mcp Server'],
])('the name suggested for %s leaves out what every server is called', (packageName, name) => {
  expect(suggestName(packageName)).toBe(name)
})

test('a slug holds only lower-case letters, digits and single inner hyphens', () => {
  expect(slugify('  Mon Café -- №1 ')).toBe('mon-cafe-no1')
  expect(slugify('日本')).toBe('server')
  expect(slugify('x'.repeat(39) + '-y')).toBe('x'.repeat(39))
})
