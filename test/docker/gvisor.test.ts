import { afterAll, beforeAll, expect, test } from 'vitest'
import type { NetworkPolicy } from '../../src/domain/index.ts'
import { connect as connectDirectly, type Network } from '../../src/network/index.ts'
import { createDockerRuntime } from '../../src/runtimes/docker/index.ts'
import { runtimeContract } from '../contract/runtime.ts'
import { evaluate, releaseOf } from '../runtimes/release.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { startDockerRuntime, type DockerRuntimeUnderTest } from './docker-runtime.ts'

// Debian's gVisor, set up as docs/docker.md has it, and once as it comes.
const path = '/usr/bin/runsc'
const RUNTIMES = {
  runsc: { path, runtimeArgs: ['--host-uds=all', '--network=none'] },
  'runsc-as-it-comes': { path, runtimeArgs: ['--network=none'] },
}
const never = new AbortController().signal

// One for the whole file: who opened it closes it.
runtimeContract('containers with a kernel of their own (gVisor)', async () => ({
  ...subject,
  [Symbol.asyncDispose]: async () => undefined,
}))

let subject: DockerRuntimeUnderTest
beforeAll(async () => {
  const network: Network = {
    resolve: async () => ['93.184.215.14'],
    connect: async (_address, port, signal) => connectDirectly('127.0.0.1', port, signal),
    ownAddresses: () => [],
  }
  subject = await startDockerRuntime({ ociRuntime: 'runsc', network }, RUNTIMES)
})
afterAll(async () => {
  await subject[Symbol.asyncDispose]()
})

async function evaluateInside(network: NetworkPolicy, code: string): Promise<unknown> {
  const release = releaseOf(subject.packageOf('@fixture/evaluator', 'evaluator'), { network })
  const { lockFile } = await subject.runtime.prepare(release.prepare, never)
  const instance = await subject.runtime.start(release.start(lockFile), never)
  try {
    return await evaluate(instance, code)
  } finally {
    await instance.stop(500)
    await subject.runtime.purge(release.prepare.deploymentId, never)
  }
}

test('the status names it, and servers have another kernel than this machine', async () => {
  expect(await subject.runtime.status(never)).toMatchObject({
    ok: true,
    detail: expect.stringContaining('runsc'),
  })
  const code = "return require('fs').readFileSync('/proc/version', 'utf8')"
  // What gVisor says of itself, whatever it runs on.
  expect(await evaluateInside('none', code)).toMatch(/^Linux version 4\.4\.0 /)
})

test.each([
  ['not-there', /no runtime named ['"‘“]?not-there/, 'daemon.json'],
  ['runsc-as-it-comes', /may not use a socket of this machine/, '--host-uds=all'],
])('the runtime %s cannot be used, and what to do is said', async (ociRuntime, reason, fix) => {
  await using directory = await temporaryDirectory()
  const runtime = createDockerRuntime({ ...subject.options, dataDir: directory.path, ociRuntime })
  expect(await runtime.status(never)).toMatchObject({
    ok: false,
    reason: expect.stringMatching(reason),
    fix: expect.stringContaining(fix),
  })
})

test('a server reaches the internet through the proxy and nothing else', async () => {
  const { host } = new URL(subject.registry.url)
  const port = host.split(':')[1] ?? ''
  const code = `return await fetch('http://public.example:${port}/').then((a) => 'answered', (e) => 'failed')`
  expect(await evaluateInside('internet', code)).toBe('answered')
  expect(await evaluateInside('none', code)).toBe('failed')
})
