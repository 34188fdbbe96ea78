import { expect, test } from 'vitest'
import { createSharedTasks } from './shared-tasks.ts'

const never = new AbortController().signal
const ignore = (): void => undefined

test('who asks for the same at the same time shares one run and hears its news', async () => {
  const tasks = createSharedTasks<number, string>()
  const gate = Promise.withResolvers<number>()
  let runs = 0
  const task = async (report: (item: string) => void): Promise<number> => {
    runs += 1
    const result = await gate.promise
    report('done')
    return result
  }
  const heard: string[] = []
  const both = [1, 2].map(() => tasks.join('a', task, (item) => heard.push(item), never))
  gate.resolve(7)
  expect(await Promise.all(both)).toEqual([7, 7])
  expect([runs, heard]).toEqual([1, ['done', 'done']])
})

test('one who gives up does not stop it for the other; the last one does', async () => {
  const tasks = createSharedTasks<number, string>()
  const gate = Promise.withResolvers<number>()
  let stopped: AbortSignal | null = null
  const task = async (_report: unknown, signal: AbortSignal): Promise<number> => {
    stopped = signal
    signal.addEventListener('abort', () => gate.reject(new Error('stopped')))
    return gate.promise
  }
  const [first, second] = [new AbortController(), new AbortController()]
  const results = [first, second].map((one) => tasks.join('a', task, ignore, one.signal))
  first.abort()
  expect(stopped).toMatchObject({ aborted: false })
  second.abort()
  expect(stopped).toMatchObject({ aborted: true })
  const outcomes = await Promise.allSettled(results)
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
})

test("a failure is everybody's, and the next one begins anew", async () => {
  const tasks = createSharedTasks<number, string>()
  await expect(tasks.join('a', async () => Promise.reject(new Error('no')), ignore, never)).rejects.toThrow(
    'no',
  )
  expect(await tasks.join('a', async () => 1, ignore, never)).toBe(1)
})
