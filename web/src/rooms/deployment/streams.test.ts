import { expect, test } from 'vitest'
import type { LogLine } from '../../api/client.ts'
import { filterLines } from './streams.ts'

const line = (id: string, stream: LogLine['stream'], text: string): LogLine => ({
  id,
  at: '2026-01-01T00:00:00.000Z',
  stream,
  line: text,
  releaseId: null,
  instanceId: null,
})
const lines = [
  line('1', 'stdout', 'Hello'),
  line('2', 'stderr', 'oops'),
  line('3', 'system', 'Starting hello'),
]
const ids = (...args: Parameters<typeof filterLines>) => filterLines(...args).map(({ id }) => id)

test('program is what the server wrote on either stream', () => {
  expect(ids(lines, 'program')).toEqual(['1', '2'])
  expect(ids(lines, 'stderr')).toEqual(['2'])
  expect(ids(lines, 'system')).toEqual(['3'])
  expect(ids(lines, 'all')).toEqual(['1', '2', '3'])
})

test('a search takes any case and narrows within the stream', () => {
  expect(ids(lines, 'all', ' HELLO ')).toEqual(['1', '3'])
  expect(ids(lines, 'program', 'hello')).toEqual(['1'])
})
