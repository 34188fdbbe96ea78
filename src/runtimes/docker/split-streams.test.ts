import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setImmediate as turn } from 'node:timers/promises'
import { array, assert, asyncProperty, constantFrom, integer, string, tuple } from 'fast-check'
import { expect, test } from 'vitest'
import { splitStreams } from './split-streams.ts'

function frame(stream: 1 | 2, content: string): Buffer {
  const body = Buffer.from(content)
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0])
  header.writeUInt32BE(body.length, 4)
  return Buffer.concat([header, body])
}

test('frames are put together again however the bytes arrive', async () => {
  const frames = array(tuple(constantFrom(1 as const, 2 as const), string()), { maxLength: 10 })
  await assert(
    asyncProperty(frames, integer({ min: 1, max: 20 }), async (given, size) => {
      const source = new PassThrough()
      const { stdout, stderr } = splitStreams(source, Promise.resolve())
      const bytes = Buffer.concat(given.map(([stream, content]) => frame(stream, content)))
      for (let at = 0; at < bytes.length; at += size) source.write(bytes.subarray(at, at + size))
      source.end()
      const of = (wanted: number): string =>
        given.flatMap(([stream, content]) => (stream === wanted ? [content] : [])).join('')
      expect([await text(stdout), await text(stderr)]).toEqual([of(1), of(2)])
    }),
    { numRuns: 50 },
  )
})

test('output that nobody reads is not read from the engine either', async () => {
  const source = new PassThrough()
  const { stdout } = splitStreams(source, Promise.resolve())
  const part = frame(1, 'x'.repeat(10_000))
  let taken = 0
  while (taken < 100 && source.write(part)) {
    taken += 1
    await turn()
  }
  expect(taken).toBeLessThan(50)
  stdout.destroy()
})

test('a connection that breaks ends both streams after what came', async () => {
  const source = new PassThrough()
  const { stdout, stderr } = splitStreams(source, Promise.resolve())
  source.write(frame(1, 'last'))
  await turn()
  source.destroy(new Error('gone'))
  expect([await text(stdout), await text(stderr)]).toEqual(['last', ''])
})

test('the output ends when the end of the container is known, and not long after when that is not told', async () => {
  const over = Promise.withResolvers<void>()
  const source = new PassThrough()
  const { stdout } = splitStreams(source, over.promise)
  const order: string[] = []
  const read = text(stdout).then((said) => order.push(said))
  source.end(frame(1, 'last words'))
  await turn()
  order.push('known')
  over.resolve()
  await read
  expect(order).toEqual(['known', 'last words'])

  const silent = new PassThrough()
  const { stdout: cut } = splitStreams(silent, new Promise(() => undefined))
  silent.end()
  expect(await text(cut)).toBe('')
})
