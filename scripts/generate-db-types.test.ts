import { expect, test } from 'vitest'
import { schemaSource, unionOfCheck } from './generate-db-types.ts'

const column = {
  table: 'pets',
  name: 'id',
  type: 'text',
  nullable: false,
  defaulted: false,
  generated: false,
  check: null,
}

test('a check that lists values becomes a union', () => {
  expect(unionOfCheck(`CHECK ((state = ANY (ARRAY['a'::text, 'it''s'::text])))`)).toBe(`'a' | 'it\\'s'`)
  expect(unionOfCheck('CHECK ((n > 0))')).toBeNull()
})

test('nullable, defaulted, generated and document columns have their types', () => {
  const source = schemaSource([
    column,
    { ...column, name: 'born', type: 'timestamptz', nullable: true },
    { ...column, name: 'legs', type: 'int4', defaulted: true },
    { ...column, name: 'seq', type: 'int8', defaulted: true, generated: true },
    { ...column, name: 'notes', type: 'jsonb' },
    { ...column, name: 'names', type: '_text' },
  ])
  for (const line of [
    'export interface PetsTable {',
    '  id: string',
    '  born: Timestamp | null',
    '  legs: Defaulted<number>',
    '  seq: GeneratedAlways<string>',
    '  notes: Jsonb<JsonValue>',
    '  names: readonly string[]',
    '  pets: PetsTable',
  ]) {
    expect(source.split('\n')).toContain(line)
  }
})

test('a type that nobody decided on stops the generation', () => {
  expect(() => schemaSource([{ ...column, type: 'polygon' }])).toThrow(
    'pets.id: no TypeScript type for polygon',
  )
})
