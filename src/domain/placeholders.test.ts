import { expect, test } from 'vitest'
import { formHint, placeholderFor, type Wanted } from './placeholders.ts'

const wanted = (name: string, changes: Partial<Wanted> = {}): Wanted => ({
  name,
  format: 'text',
  secret: false,
  example: null,
  choices: [],
  ...changes,
})

test.each([
  [wanted('API_TOKEN', { secret: true }), /^placeholder0+$/],
  [wanted('MODE', { choices: ['fast', 'slow'] }), /^fast$/],
  [wanted('REGION', { example: 'eu-1' }), /^eu-1$/],
  [wanted('BASE_URL'), /^https:\/\/placeholder\.example$/],
  [wanted('POSTGRES_CONNECTION_STRING'), /^postgresql:\/\/.*@127\.0\.0\.1:5432\//],
  [wanted('database-url'), /^https:/],
  [wanted('VAULT_PATH'), /^\/home\/server\/data$/],
  [wanted('folder', { example: '/Users/me/notes' }), /^\/home\/server\/data$/],
  [wanted('USER_EMAIL'), /^user@placeholder\.example$/],
  [wanted('HTTP_PORT', { format: 'number' }), /^8080$/],
  [wanted('DEBUG', { format: 'boolean' }), /^true$/],
  [wanted('OPTIONS', { format: 'json' }), /^\{\}$/],
  [wanted('KEYS', { format: 'file' }), /"installed"/],
])('%j gets a value of its form', (value, form) => {
  expect(placeholderFor(value, {}, '/home/server')).toMatch(form)
})

test.each([
  ['The key must start with `sk-ant-`.', { prefix: 'sk-ant-' }],
  ['token should begin with "xoxb-"', { prefix: 'xoxb-' }],
  ['Invalid UUID', { format: 'uuid' }],
  ['TypeError: Invalid URL', { format: 'url' }],
  ['PORT must be a number', { format: 'number' }],
  ['something else is wrong', null],
])('%j tells the form of a value', (line, hint) => {
  expect(formHint([line])).toEqual(hint)
})
