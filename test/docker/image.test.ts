import { randomBytes } from 'node:crypto'
import { execFile } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { chown, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify, stripVTControlCharacters } from 'node:util'
import type Docker from 'dockerode'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { parse } from 'yaml'
import { createSessionMemory } from '../../src/bridge/index.ts'
import { Secret } from '../../src/domain/index.ts'
import { createEndpointClient } from '../../src/forwarding/index.ts'
import { IMAGE_VARIABLES, instanceDocument, openInstance } from '../../src/runtimes/elsewhere/index.ts'
import { startLocalRuntime, type LocalRuntimeUnderTest } from '../runtimes/local-runtime.ts'
import { evaluate, releaseOf } from '../runtimes/release.ts'
import { openTestDatabase } from '../support/database.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { until } from '../support/until.ts'
import { COMPOSE_FILE, composedCatwalk, type ComposedContainer } from './compose.ts'
import { openDatabasePort } from './database-port.ts'
import { BASE, buildBase, buildImage } from './debian.ts'
import { startEngine, type Engine } from './engine.ts'

// The images of deploy/image, built by a real engine from these very files, each on the one before.

const root = fileURLToPath(new URL('../..', import.meta.url))
const NANO = 1_000_000_000
const SECRET = 's'.repeat(43)
const INSTANCE = 'catwalk/test-instance:1'
const CATWALK = 'catwalk/test-catwalk:1'
const never = new AbortController().signal
const stack = new AsyncDisposableStack()
let engine: Engine
let local: LocalRuntimeUnderTest

beforeAll(async () => {
  engine = stack.use(await startEngine(inject('baseImageFile')))
  local = stack.use(await startLocalRuntime())
  // The one waits for the network, the other for the processor.
  await Promise.all([
    buildBase(engine.docker),
    (async () => {
      for (const script of ['stage-image.mjs', 'stage-catwalk.mjs'])
        await promisify(execFile)(process.execPath, [join(root, 'scripts', script)], { cwd: root })
    })(),
  ])
  await Promise.all([
    buildImage(engine.docker, 'instance.Dockerfile', join(root, 'dist', 'image'), {
      tag: INSTANCE,
      base: BASE,
    }),
    buildImage(engine.docker, 'catwalk.Dockerfile', join(root, 'dist', 'catwalk'), {
      tag: CATWALK,
      base: BASE,
    }),
  ])
}, 600_000)
afterAll(async () => {
  await stack.disposeAsync()
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

/** A container of an image; it has this machine's network, because the registry and the test are there. */
async function startContainer(
  image: string,
  environment: Readonly<Record<string, string>>,
  changes: Docker.HostConfig & { readonly user?: string } = {},
  healthCheck?: string[],
): Promise<Docker.Container & AsyncDisposable> {
  const { user, ...host } = changes
  const health = { Interval: NANO, Timeout: 10 * NANO }
  const container = await engine.docker.createContainer({
    Image: image,
    Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    ...(user === undefined ? {} : { User: user }),
    ...(healthCheck === undefined ? {} : { Healthcheck: { Test: healthCheck, ...health } }),
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
    INSTANCE,
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
  await using container = await startContainer(INSTANCE, { [IMAGE_VARIABLES.document]: '{}' })
  await container.wait()
  expect((await container.inspect()).State.ExitCode).toBe(1)
  expect(await said(container)).toContain(IMAGE_VARIABLES.secret)
})

/** Runs a command in a container and returns what it printed. */
async function inside(container: Docker.Container, ...command: readonly string[]): Promise<string> {
  const exec = await container.exec({ Cmd: [...command], AttachStdout: true, AttachStderr: true, Tty: true })
  return stripVTControlCharacters(await text(await exec.start({ Tty: true })))
}

/** Catwalk as docs/docker-image.md has it: an ordinary user, nothing but its volume to write to. */
const CONFINED: Docker.HostConfig = {
  ReadonlyRootfs: true,
  CapDrop: ['ALL'],
  SecurityOpt: ['no-new-privileges'],
  Tmpfs: { '/tmp': 'rw,exec,size=512m' },
  Mounts: [{ Type: 'volume', Source: 'data', Target: '/data' }],
}

async function startCatwalk(
  host: Docker.HostConfig,
  { environment: given = {}, healthCheck }: Partial<ComposedContainer> = {},
): Promise<{ readonly container: Docker.Container & AsyncDisposable; readonly url: URL }> {
  const port = await freePort()
  const url = new URL(`http://127.0.0.1:${port}`)
  const environment = {
    ...given,
    // The container has this machine's network, and nobody else is to find it there.
    CATWALK_HOST: '127.0.0.1',
    CATWALK_PORT: String(port),
    CATWALK_PUBLIC_URL: url.origin,
    CATWALK_REGISTRY_URL: '',
    CATWALK_GLAMA_URL: '',
    npm_config_registry: local.registry.url,
  }
  const container = await startContainer(
    CATWALK,
    environment,
    { Init: false, ...host },
    healthCheck?.map((word) => word.replace(':7420', `:${port}`)),
  )
  await until('it is ready', async () => {
    if (!(await container.inspect()).State.Running) throw new Error(await said(container))
    return fetch(new URL('/readyz', url)).then(
      ({ ok }) => (ok ? true : null),
      () => null,
    )
  })
  return { container, url }
}

test('Catwalk runs in a container as an ordinary user, keeps what it has in its volume, and ends when told to', async () => {
  const first = await startCatwalk(CONFINED)
  let keys: string
  {
    await using container = first.container
    const healthy = await fetch(new URL('/healthz', first.url))
    expect([healthy.status, await healthy.json()]).toEqual([200, { ok: true }])
    expect((await fetch(first.url)).headers.get('content-type')).toContain('text/html')
    expect((await inside(container, 'id', '-u')).trim()).toBe('10001')
    const doctor = await inside(container, 'catwalk', 'doctor')
    // The engine's own filter forbids what the sandbox is made of; that is said, with the way out.
    expect(doctor).toMatch(/local: .*namespace/)
    expect(doctor).toContain('docs/docker-image.md')
    keys = /Everything is under (\w+)/.exec(doctor)?.[1] ?? ''
    expect(keys).not.toBe('')
    await container.stop({ t: 30 })
    expect((await container.inspect()).State.ExitCode).toBe(0)
  }
  const second = await startCatwalk(CONFINED)
  await using container = second.container
  expect(await inside(container, 'catwalk', 'doctor')).toContain(`Everything is under ${keys}`)
})

test('with deploy/compose.yaml it is healthy on another PostgreSQL with its secrets in files, and its sandbox works', async () => {
  await using database = await openTestDatabase()
  await using port = await openDatabasePort(database.url)
  await using secrets = await temporaryDirectory()
  const masterKey = randomBytes(32).toString('base64')
  const values = { 'database-url': port.url, 'master-key': masterKey }
  for (const [name, value] of Object.entries(values)) {
    // Compose shows the file as it is, and Catwalk is another user than whoever made it.
    await writeFile(join(secrets.path, name), `${value}\n`, { mode: 0o444 })
  }
  const composed = await composedCatwalk(secrets.path)
  const { container } = await startCatwalk(composed.host, composed)
  await using _ = container
  await until('the engine finds it healthy', async () =>
    (await container.inspect()).State.Health?.Status === 'healthy' ? true : null,
  )
  expect(JSON.stringify(await container.inspect())).not.toContain(masterKey)
  local.packageOf('@fixture/evaluator', 'evaluator')
  const deployed = await inside(container, 'catwalk', 'deploy', 'npm:@fixture/evaluator', '--slug', 'inner')
  expect(deployed).toContain('inner is running')
  expect(
    await inside(container, 'catwalk', 'call', 'inner', 'evaluate', '{"code":"return 6 * 7"}'),
  ).toContain('42')
  const slugs = await database.kysely.selectFrom('deployments').select('slug').execute()
  expect(slugs).toEqual([{ slug: 'inner' }])
})

test("deploy/compose.yaml is what Compose's own rules allow", async () => {
  await using directory = await temporaryDirectory()
  const file = join(directory.path, 'compose.yaml')
  // A project's own name is younger than Debian's Compose.
  await writeFile(file, (await readFile(COMPOSE_FILE, 'utf8')).replace(/^name: .*$/m, ''))
  const { stdout } = await promisify(execFile)('docker-compose', ['--file', file, 'config'])
  expect(Object.keys((parse(stdout) as { readonly services: object }).services)).toEqual([
    'catwalk',
    'database',
  ])
})
