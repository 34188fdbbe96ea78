import { describe, expect, test } from 'vitest'
import type { DeploymentEvent, Release } from '../../api/client.ts'
import { walkOf } from './steps.ts'

const T0 = Date.parse('2026-01-01T00:00:00.000Z')

const aRelease = (state: Release['state'], error: Release['error'] = null): Release => ({
  id: 'rel_1',
  number: 1,
  state,
  package: { kind: 'npm', name: 'thing', version: '1.0.0', integrity: 'sha512-x' },
  args: [],
  userArgs: [],
  variables: [],
  network: 'internet',
  memoryMiB: 512,
  runtime: 'local',
  createdAt: new Date(T0).toISOString(),
  liveAt: null,
  error,
})

let nextId = 1
const entered = (state: string, afterMs: number, releaseId = 'rel_1'): DeploymentEvent => ({
  id: String(nextId++),
  at: new Date(T0 + afterMs).toISOString(),
  kind: 'release.state',
  message: '',
  releaseId,
  data: { state },
})

const statuses = (of: Release, events: DeploymentEvent[], now = T0) =>
  walkOf(of, events, now).steps.map(({ status }) => status)

describe('walkOf', () => {
  test('a release that was just made has its first step under way', () => {
    expect(statuses(aRelease('pending'), [])).toEqual(['now', 'todo', 'todo', 'todo', 'todo'])
  })

  test('times come from the events, and the step under way runs on', () => {
    const { steps, totalMs } = walkOf(
      aRelease('starting'),
      [entered('installing', 400), entered('starting', 4200)],
      T0 + 5000,
    )
    expect(steps.map(({ status, ms }) => [status, ms])).toEqual([
      ['done', 400],
      ['done', 3800],
      ['now', 800],
      ['todo', undefined],
      ['todo', undefined],
    ])
    expect(totalMs).toBe(5000)
  })

  test('a live release has walked all the way, and its clock stands', () => {
    const walked = walkOf(
      aRelease('live'),
      [entered('installing', 1), entered('starting', 2), entered('probing', 3), entered('live', 9000)],
      T0 + 99_000,
    )
    expect(walked.steps.every(({ status }) => status === 'done')).toBe(true)
    expect(walked.at).toBe(1)
    expect(walked.totalMs).toBe(9000)
  })

  test('a failed release shows the step that it failed in, and why', () => {
    const failed = aRelease('failed', {
      error: 'server_exited',
      message: '',
      help: '',
      docs: '/docs/troubleshooting#server-exited',
      exitCode: 3,
      signal: null,
      lastLines: [],
    })
    const walked = walkOf(
      failed,
      [entered('installing', 100), entered('starting', 200), entered('failed', 1600)],
      T0 + 99_000,
    )
    expect(walked.steps.map(({ status }) => status)).toEqual(['done', 'done', 'bad', 'todo', 'todo'])
    expect(walked.steps[2]).toMatchObject({ ms: 1400, detail: 'Ended with code 3' })
    expect(walked.totalMs).toBe(1600)
  })

  test('a retry starts over: the former attempt is not counted', () => {
    const events = [
      entered('installing', 100),
      entered('starting', 200),
      entered('failed', 300),
      entered('pending', 10_000),
      entered('installing', 10_100),
    ]
    const walked = walkOf(aRelease('installing'), events, T0 + 10_500)
    expect(walked.steps.map(({ status }) => status)).toEqual(['done', 'now', 'todo', 'todo', 'todo'])
    expect(walked.totalMs).toBe(500)
  })

  test('events of other releases do not count', () => {
    expect(statuses(aRelease('pending'), [entered('live', 5, 'rel_0')])[1]).toBe('todo')
  })

  test('the release is ahead of its events while they are on their way', () => {
    expect(statuses(aRelease('probing'), [])).toEqual(['done', 'done', 'done', 'now', 'todo'])
  })
})
