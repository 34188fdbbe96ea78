import { startNpmRegistry } from '../fakes/npm-registry.ts'
import { runCatwalk } from '../program/run-catwalk.ts'
import { startProgram, type Program } from '../support/program.ts'
import { packageFixture, packageName } from './package-fixture.ts'
import { startTokenShim } from './token-shim.ts'
import type { Fixture, Opened } from './vocabulary.ts'

/** A whole Catwalk on its embedded PostgreSQL, to which each fixture is deployed from a registry when its turn comes. */
export async function openEndpoints(fixtures: readonly Fixture[]): Promise<Opened> {
  const stack = new AsyncDisposableStack()
  try {
    const registry = stack.use(await startNpmRegistry(await Promise.all(fixtures.map(packageFixture))))
    const env = { npm_config_registry: registry.url, npm_config_userconfig: '/nonexistent' }
    const program = stack.use(await startProgram({ env }))
    const urls = new Map<Fixture, Promise<string | { failed: string }>>()
    return {
      url(fixture) {
        const url = urls.get(fixture) ?? deployFixture(program, fixture, stack)
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

async function deployFixture(
  program: Program,
  fixture: Fixture,
  stack: AsyncDisposableStack,
): Promise<string | { failed: string }> {
  const words = ['deploy', `npm:${packageName(fixture)}`, '--wait', '--json']
  const { exitCode, stdout, stderr } = await runCatwalk(program, words)
  if (exitCode !== 0) return { failed: `It was not deployed: ${stdout}${stderr}` }
  // Documented in docs/cli.md.
  const { endpoint, token } = JSON.parse(stdout) as { endpoint: string; token: string }
  return stack.use(await startTokenShim(endpoint, token)).url
}
