import { randomBytes } from 'node:crypto'
import { Secret } from '../../src/domain/index.ts'
import { createFlyRuntime, type FlyRuntimeOptions } from '../../src/runtimes/fly/index.ts'
import type { RuntimeUnderTest } from '../contract/runtime.ts'
import { FAKE_FLY_APP, startFakeFly, type FakeFly } from '../fakes/fly.ts'
import { startLocalRuntime } from '../runtimes/local-runtime.ts'
import { compileImageProgram } from '../support/image-program.ts'
import { silentLogger } from '../support/logger.ts'

export interface FlyRuntimeUnderTest extends RuntimeUnderTest {
  readonly fly: FakeFly
  readonly options: FlyRuntimeOptions
}

/** A Fly runtime on a fake of Fly whose machines are processes of this machine. */
export async function startFlyRuntime(
  changes: Partial<FlyRuntimeOptions> = {},
): Promise<FlyRuntimeUnderTest> {
  const stack = new AsyncDisposableStack()
  const program = stack.use(await compileImageProgram())
  const fly = stack.use(await startFakeFly(program.path))
  const local = stack.use(await startLocalRuntime())
  const root = randomBytes(16).toString('hex')
  const options: FlyRuntimeOptions = {
    apiUrl: fly.apiUrl,
    userAgent: 'catwalk/test',
    accountOf: async () => ({ token: new Secret(fly.token), app: FAKE_FLY_APP }),
    npm: local.options.npm,
    pypi: local.options.pypi,
    image: 'registry.example/catwalk/instance:1',
    region: 'ams',
    organisation: 'personal',
    reach: 'private',
    proxyUrl: () => new URL(fly.proxyUrl),
    volumeGiB: 1,
    installation: 'test',
    secretOf: (name) => new Secret(`${root}/${name}`),
    installTimeoutMs: 120_000,
    startTimeoutMs: 120_000,
    patienceMs: 2_000,
    retryBaseMs: 20,
    logger: silentLogger,
    ...changes,
  }
  return {
    fly,
    options,
    runtime: createFlyRuntime(options),
    packageOf: (name, executable) => local.packageOf(name, executable),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
