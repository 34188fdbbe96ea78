import { describe, expect, test } from 'vitest'
import { newId } from '../../domain/index.ts'
import type { InstanceDocument } from '../elsewhere/index.ts'
import { fingerprint, guestFor, machineName, monthlyCost, volumeName } from './machine-request.ts'

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

describe('what a machine that sleeps was made of', () => {
  const document: InstanceDocument = {
    deploymentId: 'dep_1',
    releaseId: 'rel_1',
    instanceId: 'ins_1',
    run: { kind: 'command', argv: ['a'] },
    credentials: { KEY: 'one' },
    sealKey: Buffer.alloc(32, 7).toString('base64url'),
    processes: 'auto',
    stateful: false,
    era: null,
    tools: null,
  }
  const plan = { image: 'i:1', region: 'ams', reach: 'private', document } as const
  const of = (changes: Partial<InstanceDocument>, memoryMiB = 256) =>
    fingerprint({ ...plan, document: { ...document, ...changes } }, memoryMiB)

  test('is the same for the next instance, whatever was found out or set for tools meanwhile', () => {
    const tools = { settings: {}, pinning: 'strict', stopped: {}, releaseId: 'rel_1', pins: null } as const
    expect(of({ instanceId: 'ins_2', era: 'dual', tools })).toBe(of({}))
  })

  test('differs with the values, the release, the image, the place and the size', () => {
    const prints = [
      of({}),
      of({ credentials: { KEY: 'two' } }),
      of({ releaseId: 'rel_2' }),
      of({ processes: 'per-session' }),
      of({}, 512),
      fingerprint({ ...plan, image: 'i:2' }, 256),
      fingerprint({ ...plan, region: null }, 256),
    ]
    expect(new Set(prints).size).toBe(prints.length)
  })
})
