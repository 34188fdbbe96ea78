import { expect, test } from 'vitest'
import { createRedactor } from './redaction.ts'

const secret = 'sk-live/abc+def?123'
const redact = createRedactor(
  new Map([
    ['API_KEY', secret],
    ['PORT', '80'],
  ]),
)

test('a value is replaced by the name of its variable wherever it stands', () => {
  expect(redact(`a ${secret}b ${secret}`)).toBe('a [redacted API_KEY]b [redacted API_KEY]')
})

test('URL-encoded and base64 forms of a value are replaced as well', () => {
  expect(redact(`?key=${encodeURIComponent(secret)}`)).not.toContain('abc')
  expect(redact(Buffer.from(secret).toString('base64'))).toContain('[redacted API_KEY]')
})

test('values too short to be secrets are left alone', () => {
  expect(redact('listening on 8080')).toBe('listening on 8080')
})

test('a value that contains another is replaced whole', () => {
  const both = createRedactor(
    new Map([
      ['SHORT', 'secret'],
      ['LONG', 'secret-and-more'],
    ]),
  )
  expect(both('secret-and-more')).toBe('[redacted LONG]')
})
