import { expect, test } from 'vitest'
import type { FeedItem } from './feed.ts'
import { addToSteps, elapsedMs, type Step } from './steps.ts'

const START = Date.parse('2026-11-22T12:00:00.000Z')

function state(name: string, seconds: number, releaseId = 'rel_1'): FeedItem {
  return {
    kind: 'event',
    event: {
      id: '1',
      at: new Date(START + seconds * 1000).toISOString(),
      kind: 'release.state',
      message: '',
      releaseId,
      data: { state: name },
    },
  }
}

function steps(items: readonly FeedItem[], nowMs = 0): readonly Step[] {
  return items.reduce((list: readonly Step[], item) => addToSteps(list, item, 'rel_1', nowMs), [])
}

test('a step ends when the next one begins, and lasts by the clock of the server', () => {
  const list = steps([state('installing', 0), state('starting', 4), state('probing', 4.5), state('live', 6)])
  expect(list.map((step) => [step.name, elapsedMs(step, 0), step.end?.failed])).toEqual([
    ['Installing', 4000, false],
    ['Starting', 500, false],
    ['Probing', 1500, false],
  ])
})

test('the step in which a release fails is the one that failed', () => {
  const list = steps([state('installing', 0), state('starting', 1), state('failed', 2)])
  expect(list.map(({ name, end }) => [name, end?.failed])).toEqual([
    ['Installing', false],
    ['Starting', true],
  ])
})

test('a step that goes on lasts by our own clock', () => {
  const [step] = steps([state('installing', 0)], 1000)
  expect(step && elapsedMs(step, 3500)).toBe(2500)
})

test('events that come twice, come late or belong to another release change nothing', () => {
  const once = steps([state('installing', 0), state('starting', 4)])
  const again = [state('installing', 0), state('starting', 4), state('installing', 0), state('starting', 4)]
  expect(steps([...again, state('failed', 9, 'rel_2')])).toEqual(once)
})
