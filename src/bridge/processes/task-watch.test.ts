import { expect, test } from 'vitest'
import { createTaskWatch } from './task-watch.ts'

const task = (status: string, id = 'one') =>
  Buffer.from(JSON.stringify({ result: { task: { taskId: id, status, ttl: null } } }))

test('a task is under way from its first sign to its end', () => {
  const watch = createTaskWatch(
    () => true,
    () => 0,
  )
  expect(watch.underWay(0)).toBe(false)
  watch.saw(task('working'))
  watch.saw(task('input_required'))
  expect(watch.underWay(1000)).toBe(true)
  watch.saw(task('completed', 'another'))
  expect(watch.underWay(1000)).toBe(true)
  watch.saw(task('completed'))
  expect(watch.underWay(1000)).toBe(false)
})

test('a task that nothing is heard of for more than an hour keeps nothing awake', () => {
  const watch = createTaskWatch(
    () => true,
    () => 0,
  )
  watch.saw(task('working'))
  expect(watch.underWay(3_600_001)).toBe(false)
})

test('a server without tasks is not looked at', () => {
  const watch = createTaskWatch(
    () => false,
    () => 0,
  )
  watch.saw(task('working'))
  expect(watch.underWay(0)).toBe(false)
})
