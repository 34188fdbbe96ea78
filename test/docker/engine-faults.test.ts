import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDockerRuntime } from '../../src/runtimes/docker/index.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { evaluate, releaseOf } from '../runtimes/release.ts'
import { startDockerRuntime, type DockerRuntimeUnderTest } from './docker-runtime.ts'

const never = new AbortController().signal
let subject: DockerRuntimeUnderTest
let lockFile: string
beforeAll(async () => {
  subject = await startDockerRuntime()
  ;({ lockFile } = await subject.runtime.prepare(newRelease().prepare, never))
})
afterAll(async () => {
  await subject[Symbol.asyncDispose]()
})

function newRelease(): ReturnType<typeof releaseOf> {
  return releaseOf(subject.packageOf('@fixture/evaluator', 'evaluator'), { network: 'internet' })
}

test('a start that is given up at any moment ends, and no container is left of it', async () => {
  const release = newRelease()
  let given = 0
  for (let afterMs = 0; afterMs < 400; afterMs += 25) {
    const reason = new Error(`given up after ${afterMs} ms`)
    const stop = new AbortController()
    const timer = setTimeout(() => stop.abort(reason), afterMs)
    const outcome: unknown = await subject.runtime
      .start(release.start(lockFile), stop.signal)
      .catch((error: unknown) => error)
    clearTimeout(timer)
    if (outcome === reason) given += 1
    await subject.runtime.purge(release.prepare.deploymentId, never)
  }
  expect(given).toBeGreaterThan(3)
  expect(await subject.engine.docker.listContainers({ all: true })).toEqual([])
})

test('what a killed run of the program left behind is removed by the next, and nothing of other installations', async () => {
  const release = newRelease()
  const old = await subject.runtime.start(release.start(lockFile), never)
  expect(await evaluate(old, 'return 1')).toBe(1)
  const stranger = await subject.engine.docker.createContainer({
    Image: subject.engine.image,
    Cmd: ['/usr/bin/cat'],
    Labels: { 'catwalk.installation': 'another' },
  })
  const next = createDockerRuntime(subject.options)
  expect(await next.status(never)).toMatchObject({ ok: true })
  const left = await subject.engine.docker.listContainers({ all: true })
  expect(left.map(({ Id: id }) => id)).toEqual([stranger.id])
  await stranger.remove()
  expect((await old.ended).reason).toBe('exited')
})

test('when the engine goes away its servers have ended, starts say so, and all is well when it is back', async () => {
  const release = newRelease()
  const instance = await subject.runtime.start(release.start(lockFile), never)
  expect(await evaluate(instance, 'return 1')).toBe(1)
  await subject.engine.stop()
  expect((await instance.ended).reason).toBe('exited')
  const error = await catwalkErrorOf(subject.runtime.start(release.start(lockFile), never))
  expect(error.code).toBe('sandbox_unavailable')
  expect(error.help).toContain('Start the Docker engine')
  expect(await subject.runtime.status(never)).toMatchObject({ ok: false })

  await subject.engine.start()
  expect(await subject.runtime.status(never)).toMatchObject({ ok: true })
  const again = await subject.runtime.start(release.start(lockFile), never)
  expect(await evaluate(again, 'return 2')).toBe(2)
  await again.stop(500)
  await subject.runtime.purge(release.prepare.deploymentId, never)
})

test('an image that the engine does not have is named, with what to do', async () => {
  const runtime = createDockerRuntime({
    ...subject.options,
    dataDir: `${subject.dataDir}/other`,
    image: 'no/such:1',
  })
  const status = await runtime.status(never)
  expect(status).toMatchObject({ ok: false, reason: expect.stringContaining('no/such:1') as unknown })
})
