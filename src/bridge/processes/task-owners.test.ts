import { expect, test } from 'vitest'
import { createTaskOwners, type TaskOwner } from './task-owners.ts'

const of = (subject: string, number?: number): TaskOwner => ({
  subject,
  session: null,
  progress: number === undefined ? null : { number, token: '"t"' },
})

test('who was told of a task first keeps it', () => {
  const owners = createTaskOwners()
  owners.bind('1', of('ann'))
  owners.bind('1', of('ben'))
  expect(owners.find('1')?.subject).toBe('ann')
  expect(owners.find('__proto__')).toBeUndefined()
})

test('a subject with too many tasks loses its own oldest, and nobody else’s', () => {
  const owners = createTaskOwners()
  owners.bind('of ben', of('ben', 1))
  for (let task = 0; task < 1001; task++) owners.bind(String(task), of('ann', 10 + task))
  expect([owners.find('0'), owners.reporting(10)]).toEqual([undefined, undefined])
  expect([owners.find('1')?.subject, owners.find('1000')?.subject]).toEqual(['ann', 'ann'])
  expect([owners.find('of ben')?.subject, owners.reporting(1)?.subject]).toEqual(['ben', 'ben'])
})
