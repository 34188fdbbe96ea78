import { expect, test } from 'vitest'
import { readAccounts } from './account-sources.ts'

test('an account is named with its provider, and a template may hold anything', () => {
  expect(readAccounts(['TOKEN=github', 'AUTH=google,Bearer {token}, please=1'])).toEqual({
    TOKEN: { provider: 'github' },
    AUTH: { provider: 'google', template: 'Bearer {token}, please=1' },
  })
})

test.each(['TOKEN', '=github', 'TOKEN='])('without name or provider it is refused: %s', (flag) => {
  expect(() => readAccounts([flag])).toThrow(/names no provider/)
})
