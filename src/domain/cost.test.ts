import { expect, test } from 'vitest'
import { costOf } from './cost.ts'

const MONTH = 720

test('without a price no amount is made up, and what would be priced is told', () => {
  const cost = costOf({ runtime: 'local', awakeHours: 3.2, gibHours: 1.6 }, null)
  expect(cost).toEqual({
    amount: null,
    currency: null,
    formula: 'Memory limit × 3.2 h awake = 1.6 GiB-hours. No price is set',
  })
})

test('of Kubernetes all that a pod requests counts, the bridge included', () => {
  const cost = costOf(
    { runtime: 'kubernetes', awakeHours: 8, gibHours: 4 },
    { amount: 0.01, currency: 'EUR' },
  )
  expect(cost.amount).toBeCloseTo(0.05)
  expect(cost.formula).toContain('5 GiB-hours')
})

test('a price that is set counts for local and docker', () => {
  const price = { amount: 0.005, currency: 'EUR' }
  for (const runtime of ['local', 'docker'] as const) {
    expect(costOf({ runtime, awakeHours: 2, gibHours: 4 }, price)).toMatchObject({
      amount: 0.02,
      currency: 'EUR',
    })
  }
})

// What Fly's own documentation reckons: $1.94, $3.19 and $5.70 a month.
test.each([
  [0.25, 1.94],
  [0.5, 3.19],
  [1, 5.69],
])('a Machine of %s GB that is always awake costs what Fly says', (gib, amount) => {
  const cost = costOf({ runtime: 'fly', awakeHours: MONTH, gibHours: MONTH * gib }, null)
  expect(cost.amount).toBeCloseTo(amount, 5)
  expect(cost.currency).toBe('USD')
})
