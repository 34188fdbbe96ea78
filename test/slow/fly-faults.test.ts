import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { newId, Secret, type Instance } from '../../src/domain/index.ts'
import { createFlyRuntime } from '../../src/runtimes/fly/index.ts'
import { evaluate, releaseOf, type Release } from '../runtimes/release.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { until } from '../support/until.ts'
import { startFlyRuntime, type FlyRuntimeUnderTest } from './fly-runtime.ts'

const never = new AbortController().signal

async function started(
  subject: FlyRuntimeUnderTest,
): Promise<{ readonly release: Release; readonly lockFile: string; readonly instance: Instance }> {
  const release = releaseOf(subject.packageOf('@fixture/evaluator', 'evaluator'), { network: 'internet' })
  const { lockFile } = await subject.runtime.prepare(release.prepare, never)
  const instance = await subject.runtime.start(release.start(lockFile), never)
  return { release, lockFile, instance }
}

test('through Fly’s proxy the machine is named, and the app is made when there is none', async () => {
  await using subject = await startFlyRuntime({
    reach: 'public',
    accountOf: async (): Promise<never> => Promise.reject(new Error('not asked')),
  })
  const { fly, options } = subject
  const runtime = createFlyRuntime({
    ...options,
    accountOf: async () => ({ token: new Secret(fly.token), app: 'not-made-yet' }),
  })
  const { instance } = await started({ ...subject, runtime })
  expect(await evaluate(instance, 'return 6 * 7')).toBe(42)
  expect(fly.apps.has('not-made-yet')).toBe(true)
  expect(fly.requests).toContain('POST /v1/apps/not-made-yet/ip_assignments')
  await instance.stop(500)
  expect(fly.machines()).toEqual([])
  expect(fly.violations).toEqual([])
})

test('what is missing or refused is said: no account, a wrong token', async () => {
  await using subject = await startFlyRuntime()
  const { fly, options } = subject
  const release = releaseOf(subject.packageOf('@fixture/evaluator', 'evaluator'), { network: 'internet' })
  const without = createFlyRuntime({ ...options, accountOf: async () => null })
  const missing = await catwalkErrorOf(without.prepare(release.prepare, never))
  expect(missing).toMatchObject({ code: 'runtime_unavailable', message: expect.stringContaining('FLY_APP') })
  // Said before anything is deployed as well.
  await expect(without.admit?.('ws_test')).rejects.toMatchObject({ code: 'runtime_unavailable' })
  await expect(subject.runtime.admit?.('ws_test')).resolves.toBeUndefined()
  const other = randomBytes(8).toString('hex')
  const wrong = createFlyRuntime({
    ...options,
    accountOf: async () => ({ token: new Secret(other), app: 'team-servers' }),
  })
  const refused = await catwalkErrorOf(wrong.prepare(release.prepare, never))
  expect(refused.code).toBe('service_key_refused')
  expect(JSON.stringify(refused)).not.toContain(other)
  expect(fly.machines()).toEqual([])
})

test('429, errors of the API and its absence are waited for', async () => {
  await using subject = await startFlyRuntime({ patienceMs: 60_000, retryBaseMs: 5 })
  const { fly, runtime } = subject
  const { release, lockFile, instance } = await started(subject)
  fly.refuseNext(2, 429, 1)
  await instance.stop(500)
  fly.refuseNext(3, 503)
  const again = await runtime.start(release.start(lockFile, { instanceId: newId('instance') }), never)
  expect(await evaluate(again, 'return 1')).toBe(1)
  fly.setAway(true)
  const stopping = again.stop(500)
  await until('it ended all the same', async () => again.ended)
  fly.setAway(false)
  await stopping
  await until('its machine is gone', () => (fly.machines().length === 0 ? true : null))
  expect(fly.violations).toEqual([])
})

test('calls go on while the API is away', async () => {
  await using subject = await startFlyRuntime()
  const { fly } = subject
  const { instance } = await started(subject)
  fly.setAway(true)
  expect(await evaluate(instance, 'return 2')).toBe(2)
  fly.setAway(false)
  await instance.stop(500)
})

test('a machine that vanishes ends its instance, and the next one has what was kept', async () => {
  await using subject = await startFlyRuntime()
  const { fly, runtime } = subject
  const { release, lockFile, instance } = await started(subject)
  await evaluate(instance, `require('node:fs').writeFileSync('note', 'kept'); return 0`)
  const [machine] = fly.machines()
  await fly.vanish(machine?.id ?? '')
  expect(await instance.ended).toEqual({ reason: 'exited', exitCode: null, signal: null })
  const again = await runtime.start(
    release.start(lockFile, { instanceId: newId('instance'), epoch: 2 }),
    never,
  )
  expect(await evaluate(again, `return require('node:fs').readFileSync('note', 'utf8')`)).toBe('kept')
  await again.stop(500)
})

test('a lease that somebody else holds is waited for before a machine is removed', async () => {
  await using subject = await startFlyRuntime()
  const { fly, runtime } = subject
  const { release, lockFile, instance } = await started(subject)
  const [machine] = fly.machines()
  fly.holdLease(machine?.id ?? '', 1_500)
  // Another replica, which knows of the first machine from Fly alone.
  const replica = createFlyRuntime(subject.options)
  const newer = await replica.start(
    release.start(lockFile, { instanceId: newId('instance'), epoch: 2 }),
    never,
  )
  expect(fly.machines().map(({ id }) => id)).not.toContain(machine?.id)
  expect(['stopped', 'exited']).toContain((await instance.ended).reason)
  expect(await evaluate(newer, 'return 3')).toBe(3)
  const late = catwalkErrorOf(runtime.start(release.start(lockFile, { epoch: 1 }), never))
  expect((await late).message).toContain('later holder')
  await newer.stop(500)
})

test('while a release is handed over the next one has a copy of what was kept, and one volume remains', async () => {
  await using subject = await startFlyRuntime()
  const { fly, runtime } = subject
  const { release, lockFile, instance } = await started(subject)
  await evaluate(instance, `require('node:fs').writeFileSync('note', 'kept'); return 0`)
  const next = await runtime.start(
    release.start(lockFile, { instanceId: newId('instance'), releaseId: newId('release') }),
    never,
  )
  expect(await evaluate(next, `return require('node:fs').readFileSync('note', 'utf8')`)).toBe('kept')
  expect(fly.volumes()).toHaveLength(2)
  await instance.stop(500)
  expect(fly.volumes()).toHaveLength(1)
  await runtime.purge(release.prepare.deploymentId, never)
  expect(fly.machines()).toEqual([])
  expect(fly.volumes()).toEqual([])
  await next.stop(0)
})

test('nothing secret but the machine’s own secret and document is in what Fly is told', async () => {
  await using subject = await startFlyRuntime()
  const { fly, runtime } = subject
  const release = releaseOf(subject.packageOf('@fixture/evaluator', 'evaluator'), { network: 'internet' })
  const { lockFile } = await runtime.prepare(release.prepare, never)
  const credentials = new Map([['SERVICE_KEY', new Secret('s3cret-value')]])
  const instance = await runtime.start(release.start(lockFile, { credentials }), never)
  const [machine] = fly.machines()
  expect(JSON.stringify(machine?.config.env)).not.toContain('s3cret-value')
  expect(JSON.stringify(machine?.config.metadata)).not.toContain('s3cret-value')
  // Neither does the server find it in a file.
  const code = `return require('node:fs').readdirSync('/run/catwalk')`
  expect(await evaluate(instance, code)).toEqual([])
  await instance.stop(500)
})

describe('a machine that sleeps', () => {
  const REMEMBER = `globalThis.remembered = 7; require('node:fs').writeFileSync('note', 'kept'); return 0`
  const RECALL = `return [globalThis.remembered ?? null, require('node:fs').readFileSync('note', 'utf8')]`

  async function asleep(subject: FlyRuntimeUnderTest, options: { readonly memoryMiB?: number } = {}) {
    const packaged = subject.packageOf('@fixture/evaluator', 'evaluator')
    const release = releaseOf(packaged, { network: 'internet', ...options })
    const { lockFile } = await subject.runtime.prepare(release.prepare, never)
    const instance = await subject.runtime.start(release.start(lockFile), never)
    await evaluate(instance, REMEMBER)
    const [machine] = subject.fly.machines()
    if (machine === undefined) throw new Error('no machine')
    await instance.suspend?.(500)
    return { release, lockFile, instance, machine }
  }

  test('is suspended, and goes on under the next holder of the lease on another replica, as the same machine', async () => {
    await using subject = await startFlyRuntime()
    const { fly, options } = subject
    const { release, lockFile, machine } = await asleep(subject)
    expect(machine.state).toBe('suspended')
    const lines = release.lines.length
    const replica = createFlyRuntime(options)
    const next = await replica.start(release.start(lockFile, { epoch: 2, era: 'legacy' }), never)
    expect(await evaluate(next, RECALL)).toEqual([7, 'kept'])
    expect(fly.machines().map(({ id }) => id)).toEqual([machine.id])
    expect(machine.config.metadata).toMatchObject({ catwalk_epoch: '2', catwalk_made: '1' })
    // Nothing that was printed before is told once more.
    expect(release.lines.slice(lines).map(({ line }) => line)).toEqual(['The machine that slept goes on.'])
    await next.suspend?.(500)
    const again = await replica.start(release.start(lockFile, { epoch: 3 }), never)
    expect(await evaluate(again, RECALL)).toEqual([7, 'kept'])
    await again.stop(500)
    expect(fly.machines()).toEqual([])
    expect(fly.violations).toEqual([])
  })

  test('is not gone on with when a value, the image or the size has changed', async () => {
    await using subject = await startFlyRuntime()
    const { fly, options } = subject
    const { release, lockFile, machine } = await asleep(subject)
    const credentials = new Map([['KEY', new Secret('another value')]])
    const runtime = createFlyRuntime({ ...options, image: 'registry.example/catwalk/instance:2' })
    for (const [other, changes] of [
      [subject.runtime, { credentials }],
      [runtime, { credentials }],
    ] as const) {
      const next = await other.start(release.start(lockFile, changes), never)
      expect(await evaluate(next, RECALL)).toEqual([null, 'kept'])
      expect(fly.machines()).toHaveLength(1)
      expect(fly.machines()[0]?.id).not.toBe(machine.id)
      await next.suspend?.(500)
    }
    await subject.runtime.purge(release.prepare.deploymentId, never)
    expect([fly.machines(), fly.volumes(), fly.violations]).toEqual([[], [], []])
  })

  test.each([
    ['Fly refuses to suspend it', {}, false],
    ['it has more memory than Fly suspends well', { memoryMiB: 2_048 }, true],
  ])('is stopped and started again where %s', async (_why, options, isSuspendable) => {
    await using subject = await startFlyRuntime()
    const { fly, runtime } = subject
    fly.setSuspendable(isSuspendable)
    const { release, lockFile, instance, machine } = await asleep(subject, options)
    expect(machine.state).toBe('stopped')
    expect(await instance.ended).toMatchObject({ reason: 'stopped' })
    expect(fly.requests.some((request) => request.endsWith('/suspend'))).toBe(!isSuspendable)
    const next = await runtime.start(release.start(lockFile, { epoch: 2 }), never)
    expect(await evaluate(next, RECALL)).toEqual([null, 'kept'])
    expect(fly.machines().map(({ id }) => id)).toEqual([machine.id])
    await next.stop(500)
    expect([fly.machines(), fly.violations]).toEqual([[], []])
  })

  test('gives way to a new one, with what was kept, when its snapshot is lost', async () => {
    await using subject = await startFlyRuntime()
    const { fly, runtime } = subject
    const { release, lockFile, machine } = await asleep(subject)
    await fly.loseSnapshot(machine.id)
    const next = await runtime.start(release.start(lockFile, { epoch: 2 }), never)
    expect(await evaluate(next, RECALL)).toEqual([null, 'kept'])
    expect(fly.machines().map(({ id }) => id)).not.toContain(machine.id)
    expect(fly.machines()).toHaveLength(1)
    await next.stop(500)
  })

  test('is neither woken nor ended by who has lost the lease', async () => {
    await using subject = await startFlyRuntime()
    const { runtime, options } = subject
    const { release, lockFile, instance, machine } = await asleep(subject)
    const next = await createFlyRuntime(options).start(release.start(lockFile, { epoch: 2 }), never)
    await Promise.all([instance.stop(0), instance.suspend?.(0)])
    const late = catwalkErrorOf(runtime.start(release.start(lockFile, { epoch: 1 }), never))
    expect((await late).message).toContain('later holder')
    expect(await evaluate(next, RECALL)).toEqual([7, 'kept'])
    await next.suspend?.(500)
    await expect(runtime.start(release.start(lockFile, { epoch: 1 }), never)).rejects.toThrow('later holder')
    expect(machine.state).toBe('suspended')
  })

  test('makes room for another release, which has what it kept', async () => {
    await using subject = await startFlyRuntime()
    const { fly, runtime } = subject
    const { release, lockFile, machine } = await asleep(subject)
    const next = await runtime.start(
      release.start(lockFile, { epoch: 2, releaseId: newId('release') }),
      never,
    )
    expect(await evaluate(next, RECALL)).toEqual([null, 'kept'])
    expect(fly.machines().map(({ id }) => id)).not.toContain(machine.id)
    expect(fly.volumes()).toHaveLength(1)
    await next.stop(500)
  })

  test('while the API is away it ends all the same, and nothing of it is left once it is back', async () => {
    await using subject = await startFlyRuntime({ patienceMs: 100, retryBaseMs: 20 })
    const { fly, runtime } = subject
    const { release, lockFile, instance } = await started(subject)
    fly.setAway(true)
    await instance.suspend?.(500)
    expect(await instance.ended).toMatchObject({ reason: 'stopped' })
    fly.setAway(false)
    const next = await runtime.start(release.start(lockFile, { epoch: 2 }), never)
    expect(await evaluate(next, 'return 1')).toBe(1)
    expect(fly.machines()).toHaveLength(1)
    await next.stop(500)
    expect([fly.machines(), fly.violations]).toEqual([[], []])
  })
})
