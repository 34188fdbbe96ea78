import { describe, expect, test } from 'vitest'
import { fieldsOf, readArguments, toArguments } from './schema-form.ts'

const schema = {
  type: 'object',
  properties: {
    title: { type: 'string', description: 'What to do' },
    count: { type: 'integer', default: 3 },
    ratio: { type: 'number' },
    urgent: { type: 'boolean' },
    priority: { type: 'string', enum: ['low', 'high'] },
    tags: { type: 'array', items: { type: 'string' } },
  },
  required: ['title', 'tags'],
}
const fields = fieldsOf(schema) ?? []

describe('fieldsOf', () => {
  test('each property has the field that fits its type', () => {
    expect(fields.map(({ name, kind, isRequired }) => [name, kind.kind, isRequired])).toEqual([
      ['title', 'text', true],
      ['count', 'number', false],
      ['ratio', 'number', false],
      ['urgent', 'switch', false],
      ['priority', 'choice', false],
      ['tags', 'json', true],
    ])
  })

  test('a tool without inputs has an empty form', () => {
    expect(fieldsOf(undefined)).toEqual([])
    expect(fieldsOf({ type: 'object' })).toEqual([])
  })

  test('a schema that is none has no form, so the arguments are typed as JSON', () => {
    expect(fieldsOf('rubbish')).toBeNull()
    expect(fieldsOf({ properties: [] })).toBeNull()
  })

  test('properties that are no schemas do no harm', () => {
    expect(fieldsOf({ properties: { a: true, b: null } })?.map(({ kind }) => kind.kind)).toEqual([
      'json',
      'json',
    ])
  })
})

describe('toArguments', () => {
  test('values have the types that the schema asks for', () => {
    expect(
      toArguments(fields, {
        title: 'x',
        count: '2',
        ratio: '0.5',
        urgent: 'true',
        priority: 'low',
        tags: '["a"]',
      }),
    ).toEqual({
      ok: true,
      value: { title: 'x', count: 2, ratio: 0.5, urgent: true, priority: 'low', tags: ['a'] },
    })
  })

  test('defaults hold until something is typed, and empty optional fields are left out', () => {
    expect(toArguments(fields, { title: 'x', tags: '[]' })).toEqual({
      ok: true,
      value: { title: 'x', count: 3, urgent: false, tags: [] },
    })
  })

  test('an empty text is a text where one is required', () => {
    expect(toArguments(fields, { tags: '[]' })).toMatchObject({ ok: true, value: { title: '' } })
  })

  test('each field that does not fit has its own complaint', () => {
    expect(toArguments(fields, { count: '1.5', ratio: 'x', tags: '' })).toEqual({
      ok: false,
      complaints: { count: 'A whole number.', ratio: 'A number.', tags: 'Required.' },
    })
  })

  test('a property called __proto__ is sent, not set', () => {
    const odd = fieldsOf(JSON.parse('{"properties":{"__proto__":{"type":"string"}}}')) ?? []
    const read = toArguments(odd, Object.fromEntries([['__proto__', 'x']]))
    expect(JSON.stringify(read.ok && read.value)).toBe('{"__proto__":"x"}')
  })
})

test('arguments as JSON must be an object', () => {
  expect(readArguments('{"a": 1}')).toEqual({ ok: true, value: { a: 1 } })
  expect(readArguments(' ')).toEqual({ ok: true, value: {} })
  for (const text of ['[1]', '"x"', 'null', '{']) expect(readArguments(text).ok).toBe(false)
})
