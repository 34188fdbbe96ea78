import { expect, test } from 'vitest'
import { backOffMs, plan, type Situation } from './plan.ts'

const healthy: Situation = {
  desired: 'running',
  restartCount: 0,
  newest: { id: 'rel_1', state: 'live' },
  liveReleaseId: 'rel_1',
  asleep: false,
  alwaysOn: false,
  failures: 0,
  running: { releaseId: 'rel_1', restartCount: 0 },
}

test('a deployment that is as it should be is left alone', () => {
  expect(plan(healthy).kind).toBe('rest')
})

test('deletion and stop come before everything else', () => {
  expect(plan({ ...healthy, desired: 'deleted' }).kind).toBe('remove')
  expect(plan({ ...healthy, desired: 'stopped', newest: { id: 'rel_2', state: 'installing' } }).kind).toBe(
    'halt',
  )
})

test('a release in any state of progress is driven on, also after the program was killed', () => {
  for (const state of ['pending', 'installing', 'starting', 'probing'] as const) {
    expect(plan({ ...healthy, newest: { id: 'rel_2', state } }).kind).toBe('deploy')
  }
})

test('a live release without its instance, or asked to restart, gets a new one', () => {
  expect(plan({ ...healthy, running: null }).kind).toBe('serve')
  expect(plan({ ...healthy, restartCount: 1 }).kind).toBe('serve')
})

test('the live release goes on serving when a newer one failed', () => {
  expect(plan({ ...healthy, newest: { id: 'rel_2', state: 'failed' } }).kind).toBe('rest')
})

test('nothing runs when the only release failed', () => {
  const failed: Situation = { ...healthy, newest: { id: 'rel_1', state: 'failed' }, liveReleaseId: null }
  expect(plan(failed).kind).toBe('halt')
  expect(plan({ ...failed, running: null }).kind).toBe('rest')
})

test('what sleeps is left asleep until it is called, unless its owner wants it to run', () => {
  const asleep: Situation = { ...healthy, asleep: true, running: null }
  expect(plan(asleep).kind).toBe('rest')
  expect(plan({ ...asleep, alwaysOn: true }).kind).toBe('serve')
  expect(plan({ ...asleep, newest: { id: 'rel_2', state: 'pending' } }).kind).toBe('deploy')
  expect(plan({ ...asleep, desired: 'stopped' }).kind).toBe('halt')
})

test('after ten failures in a row nothing is started any more', () => {
  expect(plan({ ...healthy, running: null, failures: 9 }).kind).toBe('serve')
  expect(plan({ ...healthy, running: null, failures: 10 }).kind).toBe('rest')
})

test('the back-off grows to a minute and no further', () => {
  expect([1, 2, 3, 4, 20].map(backOffMs)).toEqual([0, 1000, 2000, 4000, 60_000])
})
