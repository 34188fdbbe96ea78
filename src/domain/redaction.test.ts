import { assert, constantFrom, property, string } from 'fast-check'
import { expect, test } from 'vitest'
import { createRedactor } from './redaction.ts'

const secret = 'sk-live/abc+def?123'
const redact = createRedactor(
  new Map([
    ['API_KEY', secret],
    ['PORT', '80'],
  ]),
)
const base64 = (text: string) => Buffer.from(text).toString('base64')

test('a value is replaced by the name of its variable wherever it stands', () => {
  expect(redact(`a ${secret}b ${secret}`)).toBe('a [redacted API_KEY]b [redacted API_KEY]')
})

test('URL-encoded forms of a value are replaced as well, however they are written', () => {
  const encoded = encodeURIComponent(secret)
  for (const form of [
    encoded,
    encoded.replaceAll('%2F', '/'),
    encoded.replaceAll('%2F', '%2f').replaceAll('%2B', '%2b').replaceAll('%3F', '%3f'),
    new URLSearchParams({ key: secret }).toString(),
  ]) {
    expect(redact(`?key=${form}&more`)).not.toContain('abc')
  }
})

// None of it is in the value.
const around = string({ unit: constantFrom('u', ':', ' ', '\n', 'é'), maxLength: 12 })

test('a value in base64 is replaced at any place within what is encoded, as in Basic authentication', () => {
  assert(
    property(around, around, (before, after) => {
      const line = redact(`authorization: Basic ${base64(before + secret + after)}`)
      expect(line).toContain('[redacted API_KEY]')
      // Whatever is left on either side stands for less than three letters.
      const left = /Basic (.*)\[redacted API_KEY\](.*)$/.exec(line)
      for (const rest of [left?.[1], left?.[2]]) {
        const text = Buffer.from(rest ?? '', 'base64').toString('latin1')
        for (let at = 0; at + 3 <= secret.length; at += 1)
          expect(text).not.toContain(secret.slice(at, at + 3))
      }
    }),
    {
      examples: [
        ['', ''],
        ['user:', ''],
        ['ab', 'c'],
        ['a', '\n'],
      ],
    },
  )
  expect(redact(Buffer.from(`user:${secret}`).toString('base64url'))).toContain('[redacted API_KEY]')
})

test('a value with quotes and line breaks is replaced where it is escaped in JSON', () => {
  const odd = createRedactor(new Map([['ODD', 'a "quoted" value\nwith lines']]))
  expect(odd(JSON.stringify({ odd: 'a "quoted" value\nwith lines' }))).toBe('{"odd":"[redacted ODD]"}')
})

test('each line of a value that has several is replaced: output is read line by line', () => {
  const pem = '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n'
  const lines = pem.split('\n').map(createRedactor(new Map([['KEY_FILE', pem]])))
  expect(lines.join('')).not.toMatch(/MII|hki/)
})

test('what is in a JSON document is replaced, however the program prints it', () => {
  const document = {
    client_email: 'robot@example.com',
    keys: [{ private_key: 'line-one-of-it\nline-two-of-it' }],
  }
  const redactor = createRedactor(new Map([['ACCOUNT', JSON.stringify(document, null, 2)]]))
  expect(redactor(JSON.stringify(document))).not.toMatch(/line-|robot/)
  expect(redactor('signing with line-two-of-it')).toBe('signing with [redacted ACCOUNT]')
})

test('what is left of a value where a line was cut is taken away', () => {
  for (let length = 4; length < secret.length; length += 1) {
    expect(redact(`key ${secret.slice(0, length)}…`)).toBe('key [redacted API_KEY]…')
  }
  expect(redact('nothing of it…')).toBe('nothing of it…')
})

test('values too short to be secrets are left alone', () => {
  expect(redact('listening on 8080')).toBe('listening on 8080')
  expect(redact(base64('port 80 is open'))).toBe(base64('port 80 is open'))
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
