import { execFile, spawn } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { chown, copyFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type Docker from 'dockerode'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSessionMemory } from '../../src/bridge/index.ts'
import { Secret } from '../../src/domain/index.ts'
import { createEndpointClient } from '../../src/forwarding/index.ts'
import { IMAGE_VARIABLES, instanceDocument, openInstance } from '../../src/runtimes/elsewhere/index.ts'
import { startLocalRuntime, type LocalRuntimeUnderTest } from '../runtimes/local-runtime.ts'
import { evaluate, releaseOf } from '../runtimes/release.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { until } from '../support/until.ts'
import { startEngine, type Engine } from './engine.ts'

// The image of deploy/image/instance.Dockerfile, built by a real engine on the base that the engine's tests have.

const root = fileURLToPath(new URL('../..', import.meta.url))
const SECRET = 's'.repeat(43)
const IMAGE = 'catwalk/test-instance:1'
const never = new AbortController().signal
let engine: Engine
let local: LocalRuntimeUnderTest

beforeAll(async () => {
  engine = await startEngine()
  local = await startLocalRuntime()
  const run = promisify(execFile)
  await run(process.execPath, [join(root, 'scripts', 'stage-image.mjs')], { cwd: root })
  const context = join(root, 'dist', 'image')
  await copyFile(join(root, 'deploy', 'image', 'instance.Dockerfile'), join(context, 'Dockerfile'))
  const tar = spawn('tar', ['-C', context, '-c', '.'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const progress = await engine.docker.buildImage(tar.stdout, {
    t: IMAGE,
    buildargs: { BASE: engine.image },
    networkmode: 'none',
  })
  let told = ''
  for await (const chunk of progress) told += String(chunk)
  if (!told.includes('Successfully tagged')) throw new Error(`the image was not built: ${told.slice(-2000)}`)
}, 120_000)
afterAll(async () => {
  await local[Symbol.asyncDispose]()
  await engine[Symbol.asyncDispose]()
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  // It listens on TCP.
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** A container of the image; it has this machine's network, because the registry and the test are there. */
async function startContainer(
  environment: Readonly<Record<string, string>>,
  changes: Docker.HostConfig & { readonly user?: string } = {},
): Promise<Docker.Container & AsyncDisposable> {
  const { user, ...host } = changes
  const container = await engine.docker.createContainer({
    Image: IMAGE,
    Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    ...(user === undefined ? {} : { User: user }),
    HostConfig: { NetworkMode: 'host', Init: true, ...host },
  })
  await container.start()
  return Object.assign(container, {
    [Symbol.asyncDispose]: async () => {
      await container.remove({ force: true })
    },
  })
}

async function said(container: Docker.Container): Promise<string> {
  return (await container.logs({ stderr: true, stdout: true })).toString('utf8')
}

/** Confined as far as a container can be, as an ordinary user. */
const STRICT = {
  user: '1000:1000',
  ReadonlyRootfs: true,
  CapDrop: ['ALL'],
  SecurityOpt: ['no-new-privileges'],
  Tmpfs: { '/tmp': 'rw,exec,mode=1777,size=256m', '/home': 'rw,exec,mode=1777,size=512m' },
}

test.each([
  ['as an ordinary user, on a read-only root, without a capability', STRICT],
  ['as root, which it ceases to be', {}],
])('a release from npm runs in it, %s, and answers who has the secret', async (_how, changes) => {
  const release = releaseOf(local.packageOf('@fixture/evaluator', 'evaluator'), { network: 'internet' })
  const { lockFile } = await local.runtime.prepare(release.prepare, never)
  const input = release.start(lockFile, { credentials: new Map([['SERVICE_KEY', new Secret('given')]]) })
  const registries = {
    npm: await local.options.npm(input.workspaceId),
    pypi: await local.options.pypi(input.workspaceId),
  }
  const port = await freePort()
  // A document holds certificates, and may be longer than a variable can be.
  await using files = await temporaryDirectory()
  const file = join(files.path, 'instance.json')
  await writeFile(file, JSON.stringify(instanceDocument(input, registries)))
  for (const path of [files.path, file]) await chown(path, 1000, 1000)
  await using container = await startContainer(
    {
      [IMAGE_VARIABLES.secret]: SECRET,
      [IMAGE_VARIABLES.documentFile]: '/run/catwalk/instance.json',
      [IMAGE_VARIABLES.host]: '127.0.0.1',
      [IMAGE_VARIABLES.port]: String(port),
    },
    { ...changes, Binds: [`${files.path}:/run/catwalk`] },
  )
  const url = new URL(`http://127.0.0.1:${port}`)
  const healthy = await until('it says that it is up', async () => {
    if (!(await container.inspect()).State.Running) throw new Error(await said(container))
    return fetch(new URL('/healthz', url)).catch(() => null)
  })
  expect([healthy.status, await healthy.json()]).toEqual([200, { ok: true }])
  expect((await fetch(new URL('/mcp', url), { method: 'POST' })).status).toBe(404)

  using client = createEndpointClient()
  const lines: string[] = []
  const far = openInstance({
    id: input.instanceId,
    endpoint: client.connect(url, new Secret(SECRET)),
    output: (_stream, line) => lines.push(line),
    sessions: createSessionMemory(() => new Date()),
    whyEnded: async () => ((await container.inspect()).State.Running ? null : 'exited'),
    end: async () => {},
  })
  await far.started.catch(async (error: unknown) => {
    throw new Error(await said(container), { cause: error })
  })
  const look = `const fs = require('fs')
    const write = (path) => { try { fs.writeFileSync(path, 'x'); return 'written' } catch (e) { return e.code } }
    return { uid: process.getuid(), groups: process.getgroups(), key: process.env.SERVICE_KEY, secret: process.env.${IMAGE_VARIABLES.secret} ?? null,
      home: write(process.env.HOME + '/note'), root: write('/opt/catwalk/x'), ran: process.argv[1].includes('/home/catwalk/store/') }`
  const seen = (await evaluate(far.instance, look)) as Record<string, unknown>
  expect(seen).toMatchObject({ uid: 1000, key: 'given', secret: null, home: 'written', ran: true })
  expect(['EROFS', 'EACCES']).toContain(seen['root'])
  // Read once and gone, so that the server does not find it.
  expect(await readdir(files.path)).toEqual([])
  expect(lines.join('\n')).toContain('Installing @fixture/evaluator@1.0.0')
  await far.instance.stop(1_000)
  await until('the container has ended', async () =>
    (await container.inspect()).State.Running ? null : true,
  )
})

test('without a secret it does not start, and says what is missing', async () => {
  await using container = await startContainer({ [IMAGE_VARIABLES.document]: '{}' })
  await container.wait()
  expect((await container.inspect()).State.ExitCode).toBe(1)
  expect(await said(container)).toContain(IMAGE_VARIABLES.secret)
})
