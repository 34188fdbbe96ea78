import { startNpmRegistry } from '../fakes/npm-registry.ts'
import { runCatwalk } from '../program/run-catwalk.ts'
import { startProgram, type Program } from '../support/program.ts'
import { packageFixture, packageName } from './package-fixture.ts'
import { startTokenShim } from './token-shim.ts'
import type { Fixture, Opened } from './vocabulary.ts'

/** A whole Catwalk on its embedded PostgreSQL, to which fixtures can be deployed from a registry. */
export async function startWithFixtures(
  fixtures: readonly Fixture[],
  stack: AsyncDisposableStack,
): Promise<Program> {
  const registry = stack.use(await startNpmRegistry(await Promise.all(fixtures.map(packageFixture))))
  const env = { npm_config_registry: registry.url, npm_config_userconfig: '/nonexistent' }
  return stack.use(await startProgram({ env }))
}

/** The endpoints of fixtures, each deployed when its turn comes. */
export async function openEndpoints(fixtures: readonly Fixture[]): Promise<Opened> {
  const stack = new AsyncDisposableStack()
  try {
    const program = await startWithFixtures(fixtures, stack)
    const urls = new Map<Fixture, Promise<string | { failed: string }>>()
    return {
      url(fixture) {
        const url = urls.get(fixture) ?? openEndpoint(program, fixture, stack)
        urls.set(fixture, url)
        return url
      },
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

async function openEndpoint(
  program: Program,
  fixture: Fixture,
  stack: AsyncDisposableStack,
): Promise<string | { failed: string }> {
  const deployed = await deployFixture(program, fixture)
  if ('failed' in deployed) return deployed
  return stack.use(await startTokenShim(deployed.endpoint, deployed.token)).url
}

export async function deployFixture(
  program: Program,
  fixture: Fixture,
): Promise<{ endpoint: string; token: string } | { failed: string }> {
  const words = ['deploy', `npm:${packageName(fixture)}`, '--wait', '--json']
  const { exitCode, stdout, stderr } = await runCatwalk(program, words)
  if (exitCode !== 0) return { failed: `It was not deployed: ${stdout}${stderr}` }
  // Documented in docs/cli.md.
  return JSON.parse(stdout) as { endpoint: string; token: string }
}
