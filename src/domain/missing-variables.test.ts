import { expect, test } from 'vitest'
import { missingVariables } from './missing-variables.ts'

test.each([
  ['Error: BRAVE_API_KEY environment variable is required', ['BRAVE_API_KEY']],
  [
    'Please set SLACK_BOT_TOKEN and SLACK_TEAM_ID environment variables',
    ['SLACK_BOT_TOKEN', 'SLACK_TEAM_ID'],
  ],
  ['Cannot run MCP server without API_TOKEN env: not set', ['API_TOKEN']],
  ['listening with LOG_LEVEL=debug', []],
  ["code: 'ERR_MODULE_NOT_FOUND' not found", []],
])('%s', (line, names) => {
  expect(missingVariables([line], new Set())).toEqual(names)
})

test('a name on the line below a heading is found', () => {
  expect(missingVariables(['Missing required environment variables:', '  - ACME_TOKEN'], new Set())).toEqual([
    'ACME_TOKEN',
  ])
})

test('a variable that was given is not called missing', () => {
  expect(missingVariables(['ACME_TOKEN is required'], new Set(['ACME_TOKEN']))).toEqual([])
})
