import type { NpmPackage, Runtime } from '../../src/domain/index.ts'
import { loadNpmConfiguration, loadPythonIndex } from '../../src/packages/index.ts'
import { createLocalRuntime, type LocalRuntimeOptions } from '../../src/runtimes/local/index.ts'
import type { RuntimeUnderTest } from '../contract/runtime.ts'
import { startNpmRegistry, type NpmRegistry } from '../fakes/npm-registry.ts'
import { silentLogger } from '../support/logger.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { FIXTURE_PACKAGES } from './fixtures/packages.ts'

export interface LocalRuntimeUnderTest extends RuntimeUnderTest {
  readonly runtime: Runtime
  readonly registry: NpmRegistry
  readonly dataDir: string
  readonly options: LocalRuntimeOptions
}

/** A local runtime on a data directory of its own, whose npm is set up for a registry with the fixtures. */
export async function startLocalRuntime(
  changes: Partial<LocalRuntimeOptions> = {},
): Promise<LocalRuntimeUnderTest> {
  const directory = await temporaryDirectory()
  const registry = await startNpmRegistry(FIXTURE_PACKAGES)
  const environment = { npm_config_registry: registry.url, npm_config_userconfig: '/nonexistent' }
  const options: LocalRuntimeOptions = {
    dataDir: directory.path,
    logger: silentLogger,
    npm: () => loadNpmConfiguration(environment),
    pypi: () => loadPythonIndex('http://127.0.0.1:9/simple/', {}),
    installTimeoutMs: 60_000,
    allowUnsandboxed: false,
    ...changes,
  }
  return {
    runtime: createLocalRuntime(options),
    registry,
    dataDir: directory.path,
    options,
    packageOf: (name, executable): NpmPackage => ({
      kind: 'npm',
      name,
      version: '1.0.0',
      integrity: registry.integrityOf(name, '1.0.0'),
      executable,
    }),
    [Symbol.asyncDispose]: async () => {
      await registry[Symbol.asyncDispose]()
      await directory[Symbol.asyncDispose]()
    },
  }
}
