import type { IncomingMessage } from 'node:http'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { knownTools, type KnownTools, type ToolSettings } from '../../domain/index.ts'
import { tellTools } from './tell-tools.ts'

let over: AbortController
beforeEach(() => {
  over = new AbortController()
})
afterEach(() => over.abort())

const known = (settings: ToolSettings): KnownTools =>
  knownTools({ settings, pinning: 'changed', stopped: {}, releaseId: 'rel_1', pins: null })
const OFF: ToolSettings = { a: { disabled: true } }

/** @param statuses of the answers in turn, the last one for all that follow; null is no answer */
function setUp(...statuses: (number | null)[]) {
  const told: ToolSettings[] = []
  const lines: string[] = []
  const listeners = new Set<() => void>()
  let current = known({})
  const anew = tellTools({
    endpoint: {
      async send(_method, _path, body) {
        // Written by tellTools.
        told.push((body as { settings: ToolSettings }).settings)
        const status = statuses.length > 1 ? statuses.shift() : statuses[0]
        if (status === null || status === undefined) throw new Error('no answer')
        // What is looked at of it.
        return { statusCode: status, resume: () => undefined } as unknown as IncomingMessage
      },
    },
    source: {
      current: () => current,
      onChange(listener) {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
    },
    output: (_stream, line) => void lines.push(line),
    signal: over.signal,
  })
  const put = (next: KnownTools): void => {
    current = next
    for (const listener of listeners) listener()
  }
  return { told, lines, listeners, put, anew }
}

test('a bridge is told on a new connection and at each change, and of nothing else', async () => {
  const { told, put, anew } = setUp(200)
  anew()
  await vi.waitFor(() => expect(told).toEqual([{}]))
  put(known({}))
  put(known(OFF))
  await vi.waitFor(() => expect(told).toEqual([{}, OFF]))
  anew()
  await vi.waitFor(() => expect(told).toEqual([{}, OFF, OFF]))
})

test('what did not arrive is told again until it has, in its latest form', async () => {
  const { told, put } = setUp(null, 503, 200)
  put(known({}))
  put(known(OFF))
  await vi.waitFor(() => expect(told).toHaveLength(3))
  expect(told.at(-1)).toEqual(OFF)
})

test('a bridge that is too old to be told is named in the log, and not asked for ever', async () => {
  const { told, lines, put } = setUp(404)
  put(known(OFF))
  await vi.waitFor(() => expect(lines).toEqual([expect.stringContaining('earlier version')]))
  expect(told).toHaveLength(1)
})

test('when the instance is over, nobody is told or listened to any more', () => {
  const { told, listeners, put } = setUp(200)
  over.abort()
  put(known(OFF))
  expect([listeners.size, told]).toEqual([0, []])
})
