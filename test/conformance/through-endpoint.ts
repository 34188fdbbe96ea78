import type { RuntimeKind } from '../../src/domain/index.ts'
import { startNpmRegistry } from '../fakes/npm-registry.ts'
import { runCatwalk } from '../program/run-catwalk.ts'
import { startProgram, type Program } from '../support/program.ts'
import { packageFixture, packageName } from './package-fixture.ts'
import { PLACES, type Place } from './places.ts'
import { startTokenShim } from './token-shim.ts'
import type { Fixture, Found } from './vocabulary.ts'

/** A whole Catwalk on its embedded PostgreSQL, to which fixtures can be deployed from a registry. */
export async function startWithFixtures(
  fixtures: readonly Fixture[],
  stack: AsyncDisposableStack,
  more: Readonly<Record<string, string>> = {},
): Promise<Program> {
  const registry = stack.use(await startNpmRegistry(await Promise.all(fixtures.map(packageFixture))))
  const env = { npm_config_registry: registry.url, npm_config_userconfig: '/nonexistent', ...more }
  return stack.use(await startProgram({ env }))
}

/** Deployments on runtimes of one Catwalk. */
export interface Endpoints extends AsyncDisposable {
  /** The endpoint of a fixture on a runtime, deployed when it is asked for first. */
  url(runtime: RuntimeKind, fixture: Fixture): Promise<Found>
  /** What was wrong with what a runtime was asked for. */
  violations(runtime: RuntimeKind): readonly string[]
}

/** One Catwalk with these runtimes, ready for the fixtures that each is to run. */
export async function openEndpoints(
  wanted: ReadonlyMap<RuntimeKind, readonly Fixture[]>,
): Promise<Endpoints> {
  const stack = new AsyncDisposableStack()
  try {
    const places = new Map(
      await Promise.all(
        [...wanted].map(
          async ([runtime, fixtures]) => [runtime, await PLACES[runtime](fixtures, stack)] as const,
        ),
      ),
    )
    const settings = [...places.values()].map(({ env }) => Object.entries(env)).flat()
    const all = [...new Set([...wanted.values()].flat())]
    const program = await startWithFixtures(all, stack, Object.fromEntries(settings))
    for (const { furnish } of places.values()) await furnish?.(program)
    const urls = new Map<string, Promise<Found>>()
    const placeOf = (runtime: RuntimeKind): Place => {
      const place = places.get(runtime)
      if (place === undefined) throw new Error(`The runtime ${runtime} was not opened.`)
      return place
    }
    return {
      url(runtime, fixture) {
        const key = `${runtime} ${fixture}`
        const url = urls.get(key) ?? open(runtime, fixture)
        urls.set(key, url)
        return url
      },
      violations: (runtime) => placeOf(runtime).violations ?? [],
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    }

    async function open(runtime: RuntimeKind, fixture: Fixture): Promise<Found> {
      const words = ['--runtime', runtime, '--slug', `${fixture}-${runtime}`]
      const deployed = await deploy(program, placeOf(runtime).source(fixture), words)
      if ('failed' in deployed) return deployed
      return stack.use(await startTokenShim(deployed.endpoint, deployed.token)).url
    }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

type Deployed = { readonly endpoint: string; readonly token: string } | { readonly failed: string }

export const deployFixture = (program: Program, fixture: Fixture): Promise<Deployed> =>
  deploy(program, `npm:${packageName(fixture)}`, [])

async function deploy(program: Program, source: string, more: readonly string[]): Promise<Deployed> {
  const words = ['deploy', source, '--wait', '--json', ...more]
  const { exitCode, stdout, stderr } = await runCatwalk(program, words)
  if (exitCode !== 0) return { failed: `It was not deployed: ${stdout}${stderr}` }
  // Documented in docs/cli.md.
  return JSON.parse(stdout) as { endpoint: string; token: string }
}
