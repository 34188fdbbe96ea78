import { expect, test } from 'vitest'
import { createResolver } from './resolver.ts'

const A = 1
const AAAA = 28

function query(name: string, type = A): Buffer {
  const labels = name.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)]))
  const head = Buffer.from([0x12, 0x34, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0])
  return Buffer.concat([head, ...labels, Buffer.from([0, 0, type, 0, 1])])
}

/** Code and, where there is one, the address of an answer. */
function read(answer: Buffer | null): { code: number; address: string | null } | null {
  if (answer === null) return null
  const address = answer.readUInt16BE(6) === 1 ? [...answer.subarray(-4)].join('.') : null
  return { code: answer.readUInt8(3) & 0x0f, address }
}

test('each name has an address of its own, the same each time, in letters of any size', () => {
  const resolver = createResolver(() => true)
  const ask = (name: string) => read(resolver.answer(query(name)))?.address ?? ''
  const first = ask('api.example.com')
  expect(first).toMatch(/^127\.64\.0\.\d+$/)
  expect(ask('API.Example.com')).toBe(first)
  expect(ask('other.example.com')).not.toBe(first)
  expect(resolver.nameOf(first)).toBe('api.example.com')
})

test('an answer repeats id and question', () => {
  const asked = query('Api.example.com')
  const answer = createResolver(() => true).answer(asked)
  expect(answer?.subarray(0, 2)).toEqual(asked.subarray(0, 2))
  expect(answer?.subarray(12, asked.length)).toEqual(asked.subarray(12))
})

test('a name has no address of the sixth version, which is no error', () => {
  expect(read(createResolver(() => true).answer(query('api.example.com', AAAA)))).toEqual({
    code: 0,
    address: null,
  })
})

test('what may not be known does not exist, nor does what is no name of the internet', () => {
  const resolver = createResolver((name) => name !== 'secret.example.com')
  for (const name of [
    'secret.example.com',
    'host',
    'a b.example',
    `${'a'.repeat(60)}.`.repeat(5) + 'example',
  ]) {
    expect(read(resolver.answer(query(name)))).toEqual({ code: 3, address: null })
  }
})

test('an address that was given to nobody here has no name', () => {
  const other = createResolver(() => true)
  const given = read(other.answer(query('api.example.com')))?.address ?? ''
  expect(createResolver(() => true).nameOf(given)).toBeNull()
})

test('names are limited in number', () => {
  const resolver = createResolver(() => true)
  for (let count = 0; count < 4_096; count += 1) resolver.answer(query(`n${count}.example`))
  expect(read(resolver.answer(query('one-more.example')))).toEqual({ code: 2, address: null })
  expect(read(resolver.answer(query('n0.example')))?.code).toBe(0)
})

test('whatever is sent is answered with an error or not at all', () => {
  const resolver = createResolver(() => true)
  const good = query('api.example.com')
  for (let length = 0; length < good.length; length += 1) {
    const answer = read(resolver.answer(good.subarray(0, length)))
    expect(answer === null || answer.code === 1).toBe(true)
  }
  const pointing = Buffer.from([...good.subarray(0, 12), 0xc0, 0x0c, 0, 1, 0, 1])
  expect(read(resolver.answer(pointing))?.code).toBe(1)
  const answered = Buffer.from(good)
  answered.writeUInt8(0x81, 2)
  expect(resolver.answer(answered)).toBeNull()
})
