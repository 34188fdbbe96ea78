import { PassThrough, Readable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { FeedItem } from './feed.ts'
import { createOutput } from './output.ts'
import { createProgress } from './progress.ts'

const COLUMNS = 30
const START = '2026-11-22T12:00:00.000Z'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function state(name: string): FeedItem {
  const event = { id: '1', at: START, kind: 'release.state', message: '', data: { state: name } } as const
  return { kind: 'event', event: { ...event, releaseId: 'rel_1' } }
}

function log(line: string): FeedItem {
  return {
    kind: 'log',
    log: { id: '1', at: START, stream: 'stderr', line, releaseId: 'rel_1', instanceId: null },
  }
}

function start(isTTY: boolean) {
  const stderr = Object.assign(new PassThrough(), isTTY ? { isTTY, columns: COLUMNS } : {})
  const host = { env: {}, stdin: Readable.from([]), stdout: new PassThrough(), stderr }
  const progress = createProgress(host, createOutput(host, false), 'rel_1')
  // What was written since it was asked last.
  return { progress, written: () => String(stderr.read() ?? '') }
}

test('on a terminal a picture takes the place of the former one and fits the lines', () => {
  const { progress, written } = start(true)
  progress.see(state('installing'))
  progress.see(log(`\u001B[2J${'long '.repeat(20)}`))
  vi.advanceTimersByTime(100)
  const first = written()
  expect(stripVTControlCharacters(first)).toMatch(/^\S Installing {2}0\.1 s\n {2}long long/)
  for (const line of stripVTControlCharacters(first).split('\n')) expect(line.length).toBeLessThan(COLUMNS)
  expect(first).not.toContain('\u001B[2J')

  vi.advanceTimersByTime(100)
  expect(written().startsWith('\u001B[2A\u001B[J')).toBe(true)

  progress.see(state('starting'))
  progress.see(state('failed'))
  progress[Symbol.dispose]()
  expect(stripVTControlCharacters(written())).toMatch(/^✓ Installing .*\n✗ Starting .*\(failed\)\n$/)
  expect(vi.getTimerCount()).toBe(0)
})

test('elsewhere there is a line when a step starts and one when it ends, and no output of servers', () => {
  const { progress, written } = start(false)
  progress.see(state('installing'))
  progress.see(log('npm says something'))
  progress.see(state('starting'))
  progress[Symbol.dispose]()
  expect(written()).toBe('Installing…\nInstalling  0.0 s\nStarting…\n')
})
