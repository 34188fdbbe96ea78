import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { startNpmRegistry, type FakePackage } from '../fakes/npm-registry.ts'
import { runCatwalk } from '../program/run-catwalk.ts'
import { startProgram } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { until } from '../support/until.ts'
import type { Memory } from './abused.ts'

/** The whole program with a deployed server, to be mistreated through its endpoint. */
export interface AbusedProgram extends AsyncDisposable {
  readonly endpoint: string
  readonly token: string
  /** One more token of the same endpoint: somebody else. */
  anotherToken(): Promise<string>
  /** Of the program, after a garbage collection. */
  memory(): Promise<Memory>
}

/** @param source what is deployed of the packages, such as `npm:good-server` */
export async function startAbusedProgram(
  packages: readonly FakePackage[],
  source: string,
  env: Readonly<Record<string, string>>,
): Promise<AbusedProgram> {
  await using stack = new AsyncDisposableStack()
  const registry = stack.use(await startNpmRegistry(packages))
  const report = join(stack.use(await temporaryDirectory()).path, 'memory.json')
  const program = stack.use(
    await startProgram({
      env: {
        npm_config_registry: registry.url,
        npm_config_userconfig: '/nonexistent',
        NODE_OPTIONS: `--import=${new URL('fixtures/tell-memory.ts', import.meta.url).href}`,
        MEMORY_REPORT: report,
        ...env,
      },
    }),
  )
  const deploy = ['deploy', source, '--wait', '--json']
  // Documented in docs/cli.md.
  const deployed = JSON.parse((await runCatwalk(program, deploy)).stdout) as {
    endpoint: string
    token: string
  }
  const { endpoint, token } = deployed
  const slug = new URL(endpoint).pathname.split('/').at(-1) ?? ''
  const owned = stack.move()
  return {
    endpoint,
    token,
    async anotherToken() {
      const { stdout } = await runCatwalk(program, ['token', 'add', slug, '--name', 'another', '--json'])
      return (JSON.parse(stdout) as { secret: string }).secret
    },
    async memory() {
      rmSync(report, { force: true })
      process.kill(program.pid, 'SIGUSR2')
      await until('the program tells its memory', () => (existsSync(report) ? true : null))
      // Written by fixtures/tell-memory.ts.
      return JSON.parse(readFileSync(report, 'utf8')) as Memory
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
