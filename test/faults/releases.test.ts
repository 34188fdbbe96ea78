import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startNpmRegistry, type FakePackage, type NpmRegistry } from '../fakes/npm-registry.ts'
import { connectClient } from '../support/mcp-client.ts'
import { strayProcesses } from '../support/processes.ts'
import { apiOf, startProgram, type Program } from '../support/program.ts'
import { until } from '../support/until.ts'
import { serverPackage, toolsNamed } from '../support/server-package.ts'

/** Its tool `version` answers with the version of the package. */
function teller(version: string): FakePackage {
  return serverPackage('teller-mcp', {
    version,
    answers: `
  'tools/list': ${toolsNamed('version')},
  'tools/call': () => ({ content: [{ type: 'text', text: require('./package.json').version }] }),
`,
  })
}

let registry: NpmRegistry
let dataDir: string

beforeAll(async () => {
  registry = await startNpmRegistry([teller('1.0.0'), teller('2.0.0')])
  dataDir = await mkdtemp(join(tmpdir(), 'catwalk-releases-'))
  await chmod(dataDir, 0o755)
})
afterAll(async () => {
  await registry[Symbol.asyncDispose]()
  await rm(dataDir, { recursive: true, force: true })
})

const start = (pauseAt?: string): Promise<Program> =>
  startProgram({
    dataDir,
    env: {
      npm_config_registry: registry.url,
      npm_config_userconfig: '/nonexistent',
      ...(pauseAt === undefined ? {} : { CATWALK_PAUSE_AT: pauseAt }),
    },
  })

interface Deployed {
  readonly id: string
  readonly slug: string
  readonly token: string
}

/** What the server says of itself, or why the endpoint does not answer. */
async function versionAt(program: Program, { slug, token }: Deployed): Promise<string> {
  try {
    await using client = await connectClient(`${program.origin}/mcp/${slug}`, token)
    const { content } = await client.callTool({ name: 'version' })
    return (content as { text: string }[])[0]?.text ?? ''
  } catch (error) {
    return String(error)
  }
}

async function answers(program: Program, deployed: Deployed, version: string): Promise<void> {
  await until(
    `it answers as ${version}`,
    async () => ((await versionAt(program, deployed)) === version ? true : null),
    60_000,
  )
}

async function deploy(name: string): Promise<Deployed> {
  await using program = await start()
  const api = await apiOf(program)
  const { deployment, token } = await api.call('createDeployment', {
    body: { source: 'npm:teller-mcp@1.0.0', network: 'none', name, confirmWarnings: true },
  })
  const deployed = { id: deployment.id, slug: deployment.slug, token: token.secret }
  await answers(program, deployed, '1.0.0')
  await program.stop()
  return deployed
}

const POINTS = [
  'release.installing',
  'release.installed',
  'release.starting',
  'release.started',
  'release.probed',
  'release.live',
] as const

test.each(POINTS)(
  'killed at %s of an update and again at the same point of its rollback, the former release serves until the new one is live, and each is finished after a restart',
  async (point) => {
    const deployed = await deploy(point.replace('.', ' '))
    for (const [change, before, after] of [
      [{ version: '2.0.0' }, '1.0.0', '2.0.0'],
      [{ from: 1 }, '2.0.0', '1.0.0'],
    ] as const) {
      await using paused = await start(point)
      // What slept is woken by the call, and stays while the other one is prepared.
      expect(await versionAt(paused, deployed)).toBe(before)
      await (await apiOf(paused)).call('createRelease', { params: { id: deployed.id }, body: { ...change } })
      await until(
        `it pauses at ${point}`,
        () => (paused.output().includes(`Paused at ${point}`) ? true : null),
        60_000,
      )
      await answers(paused, deployed, point === 'release.live' ? after : before)
      await paused.kill9()
      expect(await strayProcesses(dataDir)).toEqual([])

      await using program = await start()
      await answers(program, deployed, after)
      const { items } = await (await apiOf(program)).call('listReleases', { params: { id: deployed.id } })
      // Finished once: no release was made besides those that were asked for, and one serves.
      expect(items).toHaveLength(after === '2.0.0' ? 2 : 3)
      expect(items.filter(({ state }) => state === 'live')).toMatchObject([{ number: items.length }])
      await program.stop()
      expect(await strayProcesses(dataDir)).toEqual([])
    }
  },
)

test('an update whose server does not start is given up though the program is killed meanwhile, and the former release serves on', async () => {
  const deployed = await deploy('bad update')
  registry.publish({
    name: 'teller-mcp',
    version: '3.0.0',
    manifest: { bin: 'server.cjs' },
    files: { 'server.cjs': `#!/usr/bin/env node\nconsole.error('no such luck')\nprocess.exit(3)\n` },
  })
  await using paused = await start('release.starting')
  await (
    await apiOf(paused)
  ).call('createRelease', {
    params: { id: deployed.id },
    body: { version: '3.0.0' },
  })
  await until('it pauses', () => (paused.output().includes('Paused at release.starting') ? true : null))
  await paused.kill9()

  await using program = await start()
  const api = await apiOf(program)
  const failed = await until('the release has failed', async () => {
    const { items } = await api.call('listReleases', { params: { id: deployed.id } })
    return items.find(({ state }) => state === 'failed') ?? null
  })
  expect(failed).toMatchObject({ number: 2, error: { error: 'server_exited' } })
  await answers(program, deployed, '1.0.0')
  await program.stop()
  expect(await strayProcesses(dataDir)).toEqual([])
})
