import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { clientSetup, onlySignsIn } from './client-setup.ts'
import { CLIENTS } from './options.ts'

const ENDPOINT = 'http://localhost:7420/mcp/echo'

test.each(CLIENTS)('where people sign in, the lines for %s hold the endpoint and no token', (client) => {
  const { text } = clientSetup(client, 'echo', ENDPOINT, null)
  expect(text).toContain(ENDPOINT)
  expect(text).not.toMatch(/bearer|token/i)
})

test.each(CLIENTS.filter((client) => !onlySignsIn(client)))(
  'the lines for %s hold name, endpoint and token',
  (client) => {
    const { text } = clientSetup(client, 'echo', ENDPOINT, 'cwk_secret')
    for (const part of ['echo', ENDPOINT, 'Bearer cwk_secret']) expect(text).toContain(part)
  },
)

test('a shell reads the lines as the words that were meant, whatever the server says', () => {
  const hostile = `x'; echo "$(id)" \`id\` \\`
  const { text } = clientSetup('claude-code', hostile, `http://x/${hostile}`, hostile)
  const words = execFileSync('sh', ['-c', `claude() { printf '%s\\n' "$@"; }\n${text}`], { encoding: 'utf8' })
  expect(words.trimEnd().split('\n')).toEqual([
    ...'mcp add --transport http'.split(' '),
    hostile,
    `http://x/${hostile}`,
    '--header',
    `Authorization: Bearer ${hostile}`,
  ])
})
