import { expect, test } from 'vitest'
import { capabilitySetOf, NO_CAPABILITIES } from './capability-set.ts'

test('clients with the same capabilities are of one set, in whatever order and with whatever inside', () => {
  const one = { sampling: {}, elicitation: { url: {}, form: { applyDefaults: true } } }
  const other = { elicitation: { form: {}, url: {} }, sampling: {} }
  expect(capabilitySetOf(one)).toBe('elicitation elicitation.form elicitation.url sampling')
  expect(capabilitySetOf(other)).toBe(capabilitySetOf(one))
  expect(capabilitySetOf({})).toBe(NO_CAPABILITIES)
  expect(capabilitySetOf({ roots: { listChanged: true } })).not.toBe(capabilitySetOf({ roots: {} }))
})

test('what is too long, or has names that none has, is of no set', () => {
  expect(capabilitySetOf({ experimental: { 'a b': 1 } })).toBeNull()
  expect(capabilitySetOf({ ['x'.repeat(501)]: {} })).toBeNull()
  expect(capabilitySetOf({ 'a\u0000': {} })).toBeNull()
})
