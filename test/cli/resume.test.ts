import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { json } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { startNpmRegistry } from '../fakes/npm-registry.ts'
import { startProgram } from '../support/program.ts'
import { until } from '../support/until.ts'
import { PACKAGES } from './packages.ts'

const LAUNCHER = fileURLToPath(new URL('../../bin/catwalk', import.meta.url))

test(
  'deploy --wait outlives a program that is killed and started again meanwhile',
  { timeout: 120_000 },
  async () => {
    await using registry = await startNpmRegistry(PACKAGES)
    const npm = { npm_config_registry: registry.url, npm_config_userconfig: '/nonexistent' }
    await using first = await startProgram({ env: { ...npm, CATWALK_PAUSE_AT: 'release.installed' } })
    const { dataDir, origin } = first
    const deploy = spawn(
      process.execPath,
      [LAUNCHER, 'deploy', 'npm:echo-mcp', '--json', '--wait', '--data-dir', dataDir],
      { stdio: ['ignore', 'pipe', 'ignore'], timeout: 100_000 },
    )
    const [printed, ended] = [json(deploy.stdout), once(deploy, 'exit')]
    await until('the program pauses', () => (first.output().includes('Paused at') ? true : null), 60_000)
    await first.kill9()

    await using second = await startProgram({ dataDir, env: npm, flags: ['--port', new URL(origin).port] })
    expect(second.origin).toBe(origin)
    expect(await ended).toEqual([0, null])
    expect(await printed).toMatchObject({ slug: 'echo', state: 'running' })
  },
)
