import { randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSealer } from './sealed.ts'
import { MAX_TOKEN_LETTERS, openSession, sealSession, type SessionClaims } from './session-token.ts'

const sealer = createSealer(Buffer.alloc(32, 1), 'test')

test('what was sealed comes out again, and is a header value', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), (content) => {
      const sealed = sealer.seal(Buffer.from(content))
      expect(sealed).toMatch(/^[\w-]+$/)
      expect(sealer.open(sealed)).toEqual(Buffer.from(content))
    }),
  )
})

test('a single changed letter is refused', () => {
  const sealed = sealer.seal(Buffer.from('content'))
  for (let i = 0; i < sealed.length; i++) {
    const forged = sealed.slice(0, i) + (sealed[i] === 'A' ? 'B' : 'A') + sealed.slice(i + 1)
    expect(sealer.open(forged)).toBeUndefined()
  }
})

test('another key, another purpose, another spelling and anything else are refused', () => {
  const sealed = sealer.seal(Buffer.from('content'))
  expect(createSealer(Buffer.alloc(32, 2), 'test').open(sealed)).toBeUndefined()
  expect(createSealer(Buffer.alloc(32, 1), 'other').open(sealed)).toBeUndefined()
  expect(sealer.open(`${sealed}=`)).toBeUndefined()
  expect(sealer.open(` ${sealed}`)).toBeUndefined()
  fc.assert(fc.property(fc.string(), (text) => sealer.open(text) === undefined))
  expect(sealer.open(randomBytes(100).toString('base64url'))).toBeUndefined()
})

test('a key of another length is refused', () => {
  expect(() => createSealer(Buffer.alloc(16), 'test')).toThrow(RangeError)
})

const CLAIMS: SessionClaims = {
  id: 'abc',
  issuedAt: 1_700_000_000,
  deploymentId: 'dep_1',
  subject: 'tok_1',
  bridge: 'b',
  version: '2025-11-25',
  clientInfo: { name: 'client', version: '1' },
  capabilities: { sampling: {} },
}

test('a session comes out of its token', () => {
  expect(openSession(sealer, sealSession(sealer, CLAIMS))).toEqual(CLAIMS)
})

test('long client information is cut so that the token fits a header; what the client can do is kept', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', maxLength: 3000 }),
      fc.dictionary(fc.string(), fc.jsonValue()),
      (text, more) => {
        const clientInfo = { name: text, version: text, title: text, icons: [{ src: text }] }
        const capabilities = { elicitation: { form: {} }, experimental: { long: text, ...more } }
        const token = sealSession(sealer, { ...CLAIMS, clientInfo, capabilities })
        expect(token.length).toBeLessThanOrEqual(MAX_TOKEN_LETTERS)
        expect(openSession(sealer, token)?.capabilities).toHaveProperty('elicitation')
      },
    ),
  )
})
