import { expect, test } from 'vitest'
import { newId } from '../../domain/index.ts'
import { guestFor, machineName, monthlyCost, volumeName } from './machine-request.ts'

test('names are the same each time, and as Fly takes them', () => {
  const owner = { deploymentId: newId('deployment'), releaseId: newId('release') }
  expect(machineName(owner)).toBe(machineName({ ...owner }))
  expect(machineName(owner)).toMatch(/^[a-z0-9-]{1,63}$/)
  expect(volumeName(owner.deploymentId)).toMatch(/^[a-z0-9_]{1,30}$/)
})

test('a machine has room for the server and the bridge, in the steps that Fly has', () => {
  expect(guestFor(128)).toEqual({ cpu_kind: 'shared', cpus: 1, memory_mb: 256 })
  expect(guestFor(512)).toEqual({ cpu_kind: 'shared', cpus: 1, memory_mb: 768 })
  expect(guestFor(2_048)).toEqual({ cpu_kind: 'shared', cpus: 2, memory_mb: 2_304 })
})

test('the cost grows with memory, processors and the volume', () => {
  expect(monthlyCost(guestFor(128), 0).dollars).toBe(2.02)
  expect(monthlyCost(guestFor(128), 10).dollars).toBe(3.52)
  expect(monthlyCost(guestFor(896), 0).dollars).toBe(5.77)
})
