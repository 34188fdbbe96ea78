import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { assert, property, string, uint8Array } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromBase64, openFernet, sealFernet } from './fernet.ts'

interface Vector {
  readonly desc: string
  readonly token: string
  readonly now: string
  readonly iv: readonly number[]
  readonly ttl_sec: number
  readonly src: string
  readonly secret: string
}

function vectors(name: string): readonly Vector[] {
  const file = new URL(`../../test/fixtures/fernet/${name}.json`, import.meta.url)
  // The files are in this repository; each vector has the fields that its own test reads.
  return JSON.parse(readFileSync(file, 'utf8')) as readonly Vector[]
}

function keyOf(vector: Vector): Buffer {
  return fromBase64(vector.secret) ?? Buffer.alloc(0)
}

describe('the vectors of the specification', () => {
  test.each(vectors('generate'))('are generated to the letter: $src', (vector) => {
    const token = sealFernet(
      keyOf(vector),
      Buffer.from(vector.src),
      new Date(vector.now),
      Buffer.from(vector.iv),
    )
    expect(token).toBe(vector.token)
  })

  test.each(vectors('verify'))('are verified: $src', (vector) => {
    const age = { now: new Date(vector.now), maximumS: vector.ttl_sec }
    expect(openFernet(keyOf(vector), vector.token, age)?.toString()).toBe(vector.src)
  })

  test.each(vectors('invalid'))('are refused: $desc', (vector) => {
    const age = { now: new Date(vector.now), maximumS: vector.ttl_sec }
    expect(openFernet(keyOf(vector), vector.token, age)).toBeNull()
  })
})

const key = randomBytes(32)
const now = new Date('2026-11-22T12:00:00Z')

test('whatever goes in comes out', () => {
  assert(
    property(uint8Array({ maxLength: 300 }), (message) => {
      const opened = openFernet(key, sealFernet(key, Buffer.from(message), now))
      expect(opened?.equals(message)).toBe(true)
    }),
  )
})

test('a token with any byte changed does not open', () => {
  const token = sealFernet(key, Buffer.from('a secret'), now)
  const bytes = Buffer.from(token, 'base64url')
  for (let index = 0; index < bytes.length; index += 1) {
    const changed = Buffer.from(bytes)
    changed.writeUInt8(changed.readUInt8(index) ^ 1, index)
    const text = changed.toString('base64').replaceAll('+', '-').replaceAll('/', '_')
    expect(openFernet(key, text), `byte ${index}`).toBeNull()
  }
})

test('a token has one spelling', () => {
  const token = sealFernet(key, Buffer.from('a'), now)
  expect(token.endsWith('==')).toBe(true)
  expect(openFernet(key, token.replace(/=+$/, ''))).toBeNull()
  expect(openFernet(key, `${token}\n`)).toBeNull()
  expect(openFernet(key, ` ${token}`)).toBeNull()
})

test('hostile text never throws', () => {
  assert(
    property(string({ unit: 'binary', maxLength: 400 }), (text) => {
      expect(openFernet(key, text)).toBeNull()
    }),
  )
})

test('the same value is never sealed to the same token', () => {
  const tokens = new Set(Array.from({ length: 200 }, () => sealFernet(key, Buffer.from('x'), now)))
  expect(tokens.size).toBe(200)
})
