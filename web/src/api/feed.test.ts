import { describe, expect, test } from 'vitest'
import type { DeploymentEvent, LogLine } from './client.ts'
import { addToFeed, compareIds, emptyFeed, MAX_LINES } from './feed.ts'

const line = (id: number | string): LogLine => ({
  id: String(id),
  at: '2026-01-02T03:04:05.006Z',
  stream: 'stdout',
  line: `line ${id}`,
  releaseId: null,
  instanceId: null,
})

const event = (id: number): DeploymentEvent => ({
  id: String(id),
  at: '2026-01-02T03:04:05.006Z',
  kind: 'release.state',
  message: '',
  releaseId: null,
  data: {},
})

describe('addToFeed', () => {
  test('what a reconnected feed tells again is not shown twice', () => {
    const first = addToFeed(emptyFeed, { logs: [line(1), line(2)], events: [event(1)] })
    const again = addToFeed(first, { logs: [line(1), line(2), line(3)], events: [event(1), event(2)] })
    expect(again.logs.map((item) => item.id)).toEqual(['1', '2', '3'])
    expect(again.events.map((item) => item.id)).toEqual(['1', '2'])
  })

  test('lines that arrive late take their place by id', () => {
    const feed = addToFeed(addToFeed(emptyFeed, { logs: [line(9), line(11)] }), { logs: [line(10)] })
    expect(feed.logs.map((item) => item.id)).toEqual(['9', '10', '11'])
  })

  test('only the newest lines are kept', () => {
    const many = Array.from({ length: MAX_LINES + 5 }, (_, index) => line(index + 1))
    const feed = addToFeed(emptyFeed, { logs: many })
    expect(feed.logs).toHaveLength(MAX_LINES)
    expect(feed.logs[0]?.id).toBe('6')
  })

  test('nothing arrived leaves the lists as they are', () => {
    const feed = addToFeed(emptyFeed, { events: [event(1)] })
    expect(addToFeed(feed, {}).events).toBe(feed.events)
  })
})

test('ids beyond the safe integers keep their order', () => {
  const ids = ['9007199254740993', '9007199254740992', '10', '9']
  expect(ids.toSorted(compareIds)).toEqual(['9', '10', '9007199254740992', '9007199254740993'])
})
