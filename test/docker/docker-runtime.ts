import { inject } from 'vitest'
import type { RuntimeUnderTest } from '../contract/runtime.ts'
import { createDockerRuntime, type DockerRuntimeOptions } from '../../src/runtimes/docker/index.ts'
import { startLocalRuntime, type LocalRuntimeUnderTest } from '../runtimes/local-runtime.ts'
import { startEngine, type Engine, type OciRuntimes } from './engine.ts'

export interface DockerRuntimeUnderTest extends RuntimeUnderTest {
  readonly engine: Engine
  readonly dataDir: string
  readonly registry: LocalRuntimeUnderTest['registry']
  readonly options: DockerRuntimeOptions
}

/** A Docker runtime on an engine and a data directory of its own. */
export async function startDockerRuntime(
  changes: Partial<DockerRuntimeOptions> = {},
  runtimes: OciRuntimes = {},
): Promise<DockerRuntimeUnderTest> {
  await using stack = new AsyncDisposableStack()
  const local = stack.use(await startLocalRuntime())
  const engine = stack.use(await startEngine(inject('baseImageFile'), runtimes))
  const { allowUnsandboxed: _, ...shared } = local.options
  const options = {
    ...shared,
    socketPath: engine.socketPath,
    image: engine.image,
    ociRuntime: null,
    ...changes,
  }
  const owned = stack.move()
  return {
    engine,
    options,
    dataDir: local.dataDir,
    registry: local.registry,
    runtime: createDockerRuntime(options),
    packageOf: (name, executable) => local.packageOf(name, executable),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
