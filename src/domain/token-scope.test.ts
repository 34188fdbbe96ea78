import { expect, test } from 'vitest'
import { mayRequest } from './token-scope.ts'

test('a reading token lists and reads, and calls no tool nor anything that is not known', () => {
  expect(mayRequest('read', 'tools/list')).toBe(true)
  expect(mayRequest('read', 'resources/read')).toBe(true)
  for (const method of ['tools/call', 'tasks/create', 'TOOLS/LIST', '', 'tools/list ']) {
    expect({ method, may: mayRequest('read', method) }).toEqual({ method, may: false })
  }
  expect(mayRequest('full', 'tools/call')).toBe(true)
})
