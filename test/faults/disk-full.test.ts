import { execFile } from 'node:child_process'
import { chmod, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startNpmRegistry, type NpmRegistry } from '../fakes/npm-registry.ts'
import { connectClient } from '../support/mcp-client.ts'
import { strayProcesses } from '../support/processes.ts'
import { apiOf, startProgram } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { until } from '../support/until.ts'
import { SELF } from './self-package.ts'

const run = promisify(execFile)
const CHUNK = Buffer.alloc(1_048_576)

let registry: NpmRegistry
beforeAll(async () => {
  registry = await startNpmRegistry([SELF])
})
afterAll(() => registry[Symbol.asyncDispose]())

/** A small disk of its own at `path`. */
async function mountDisk(path: string, mib: number): Promise<AsyncDisposable> {
  await run('mount', ['-t', 'tmpfs', '-o', `size=${mib}m`, 'tmpfs', path])
  await chmod(path, 0o755)
  return {
    async [Symbol.asyncDispose]() {
      await run('umount', [path])
    },
  }
}

/** Takes all that is left of a disk, to the last byte. */
async function fill(path: string): Promise<void> {
  const file = await open(path, 'a')
  try {
    for (let size = CHUNK.length; size > 0;) {
      const written = await file.write(CHUNK, 0, size).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOSPC') throw error
        return null
      })
      if (written === null) size = Math.floor(size / 2)
    }
  } finally {
    await file.close()
  }
}

describe.runIf(process.getuid?.() === 0)('on a disk of its own', () => {
  test('while the disk of the data directory is full endpoints answer, a deployment that needs space says so, and all goes on once there is space again', async () => {
    await using directory = await temporaryDirectory()
    await using disks = new AsyncDisposableStack()
    disks.use(await mountDisk(directory.path, 512))
    await using program = await startProgram({
      dataDir: directory.path,
      env: {
        npm_config_registry: registry.url,
        npm_config_userconfig: '/nonexistent',
        npm_config_cache: join(directory.path, 'npm-cache'),
      },
    })
    const api = await apiOf(program)
    const deploy = (name: string) =>
      api.call('createDeployment', {
        body: { source: 'npm:self-mcp', network: 'none', name, confirmWarnings: true },
      })
    const { deployment, token } = await deploy('steady')
    const endpoint = `${program.origin}/mcp/${deployment.slug}`
    const who = async (): Promise<string> => {
      await using client = await connectClient(endpoint, token.secret)
      return JSON.stringify(await client.callTool({ name: 'whoami' }))
    }
    const self = await until('it answers', async () => who().catch(() => null), 60_000)

    const filler = join(directory.path, 'filler')
    const accepted = [deployment.slug]
    const refused = await until(
      'the database has no space either',
      async () => {
        await fill(filler)
        expect(await who()).toBe(self)
        try {
          accepted.push((await deploy('squeezed')).deployment.slug)
          return null
        } catch (error) {
          return error
        }
      },
      60_000,
    )
    expect(refused).toMatchObject({ status: 507, body: { error: 'disk_full' } })
    // Reading goes on, of what was accepted nothing is lost, and who came to an end says why.
    const { items } = await api.call('listDeployments', {})
    expect(items.map(({ slug }) => slug).toSorted()).toEqual(accepted.toSorted())
    const failed = items.filter(({ state }) => state === 'failed')
    expect(failed.length).toBeGreaterThan(0)
    for (const { id } of failed) {
      const { items: releases } = await api.call('listReleases', { params: { id } })
      expect(releases.map(({ error }) => error?.error)).toEqual(['disk_full'])
    }

    await rm(filler)
    await until('a new deployment is accepted', async () => deploy('after').catch(() => null), 30_000)
    await until(
      'what had not failed goes on',
      async () => {
        const { items: now } = await api.call('listDeployments', {})
        return now.every(({ state }) => ['running', 'failed'].includes(state)) ? true : null
      },
      60_000,
    )
    const { items: afterwards } = await api.call('listDeployments', {})
    expect(afterwards.find(({ slug }) => slug === 'after')?.state).toBe('running')
    expect(await who()).toBe(self)
    await program.stop()
    expect(await strayProcesses(directory.path)).toEqual([])
  })
})
