import { describe, expect, test } from 'vitest'
import { includesScope } from './api-scopes.ts'

const SOME = ['deployments:read', 'deployments:write', 'tokens:write', 'logs:read', 'audit:read']

describe('scopes of a key', () => {
  test('null lets everything, no scope nothing but what every key may', () => {
    for (const asked of [...SOME, 'any', 'full']) {
      expect(includesScope(null, asked)).toBe(true)
      expect(includesScope([], asked)).toBe(asked === 'any')
    }
  })

  test('many are still less than none at all: what only a person does stays out of reach', () => {
    expect(includesScope(SOME, 'full')).toBe(false)
    expect(includesScope(['full', 'any'], 'full')).toBe(false)
  })

  test('write includes read of the same, never the other way round and never of another', () => {
    expect(includesScope(['tokens:write'], 'tokens:read')).toBe(true)
    expect(includesScope(['tokens:read'], 'tokens:write')).toBe(false)
    expect(includesScope(['tokens:write'], 'members:read')).toBe(false)
  })

  test('who may deploy may follow what it prints, but not call tools or read credentials', () => {
    expect(includesScope(['deployments:write'], 'logs:read')).toBe(true)
    expect(includesScope(['deployments:read'], 'logs:read')).toBe(false)
    expect(includesScope(['deployments:write'], 'tools:call')).toBe(false)
    expect(includesScope(['deployments:write'], 'credentials:read')).toBe(false)
  })
})
