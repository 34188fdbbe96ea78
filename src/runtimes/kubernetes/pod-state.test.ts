import type { V1ContainerStatus, V1PodStatus } from '@kubernetes/client-node'
import { expect, test } from 'vitest'
import { podState } from './pod-state.ts'

const container = (
  name: string,
  state: V1ContainerStatus['state'],
  more: Partial<V1ContainerStatus> = {},
): V1ContainerStatus => ({
  name,
  image: '',
  imageID: '',
  ready: false,
  restartCount: 0,
  ...(state && { state }),
  ...more,
})
const of = (status: V1PodStatus) => podState({ metadata: { name: 'a' }, status })

test('a pod runs when its server does', () => {
  expect(of({ containerStatuses: [container('server', { running: {} })] })).toEqual({ kind: 'running' })
  expect(of({ phase: 'Pending' })).toEqual({ kind: 'waiting', why: null })
})

test('what a pod waits for is told: a node with room, a container', () => {
  const conditions = [
    { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes are available' },
  ]
  expect(of({ conditions })).toEqual({ kind: 'waiting', why: 'Unschedulable: 0/3 nodes are available' })
  const status = container('server', { waiting: { reason: 'ContainerCreating' } })
  expect(of({ containerStatuses: [status] })).toEqual({ kind: 'waiting', why: 'ContainerCreating' })
})

test('an image that cannot be pulled will not come by waiting', () => {
  const status = container('told', { waiting: { reason: 'ImagePullBackOff', message: 'not found' } })
  expect(of({ initContainerStatuses: [status] })).toEqual({
    kind: 'stuck',
    why: 'ImagePullBackOff: not found',
  })
})

test('a container that Kubernetes starts again has ended, and for want of memory where it was that', () => {
  const lastState = { terminated: { exitCode: 137, reason: 'OOMKilled' } }
  const status = container('server', { running: {} }, { restartCount: 1, lastState })
  expect(of({ containerStatuses: [status] })).toMatchObject({ kind: 'gone', reason: 'out_of_memory' })
  const ended = container('server', { terminated: { exitCode: 1 } })
  expect(of({ containerStatuses: [ended] })).toMatchObject({ kind: 'gone', reason: 'exited' })
})

test('a pod that is evicted or deleted is gone, with the reason', () => {
  expect(of({ phase: 'Failed', reason: 'Evicted', message: 'low on memory' })).toEqual({
    kind: 'gone',
    why: 'Evicted: low on memory',
    reason: 'exited',
  })
  expect(podState({ metadata: { deletionTimestamp: new Date() }, status: {} })).toMatchObject({
    kind: 'gone',
  })
})
