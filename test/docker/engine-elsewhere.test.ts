import { expect, inject, test } from 'vitest'
import { createDockerRuntime } from '../../src/runtimes/docker/index.ts'
import { startLocalRuntime } from '../runtimes/local-runtime.ts'
import { startEngine } from './engine.ts'

test("an engine that does not see this machine's files cannot be used, and it is said what to use instead", async () => {
  await using local = await startLocalRuntime()
  await using engine = await startEngine(inject('baseImageFile'), {}, local.dataDir)
  const runtime = createDockerRuntime({
    ...local.options,
    socketPath: engine.socketPath,
    image: engine.image,
    ociRuntime: null,
  })
  expect(await runtime.status(new AbortController().signal)).toMatchObject({
    ok: false,
    reason: expect.stringMatching(/does not see this machine's files .*on another machine/),
    fix: expect.stringContaining('CATWALK_ROLES=reconciler'),
  })
})
