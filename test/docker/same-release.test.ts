import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest'
import { FAKE_FLY_APP, startFakeFly, type FakeFly } from '../fakes/fly.ts'
import { startPythonIndex } from '../fakes/python-index.ts'
import { runCatwalk } from '../program/run-catwalk.ts'
import { FIXTURE_PROJECTS } from '../runtimes/fixtures/projects.ts'
import { compileImageProgram } from '../support/image-program.ts'
import { startProgram, type Program } from '../support/program.ts'
import { until } from '../support/until.ts'
import { startEngine, type Engine } from './engine.ts'

// Published servers, from the registry that this host's npm is configured for, and one from a Python index, in the sandbox,
// in containers of a real engine, and in the machines of a Fly that is checked against its contract.

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 })

/** The evaluator as servers are written: by its use of the SDK an analysis knows it. This one has nothing in it. */
const PROJECTS = FIXTURE_PROJECTS.map((project) =>
  project.name === 'fixture-evaluator'
    ? {
        ...project,
        files: { ...project.files, 'fixture_evaluator/__init__.py': 'import mcp\n' },
        requires: [...(project.requires ?? []), 'mcp'],
      }
    : project,
).concat({ name: 'mcp', version: '1.0.0', files: { 'mcp/__init__.py': '' } })

const stack = new AsyncDisposableStack()
let program: Program
let engine: Engine
let fly: FakeFly
beforeAll(async () => {
  const index = stack.use(await startPythonIndex(PROJECTS))
  const image = stack.use(await compileImageProgram())
  fly = stack.use(await startFakeFly(image.path))
  engine = stack.use(await startEngine(inject('baseImageFile')))
  program = stack.use(
    await startProgram({
      env: {
        CATWALK_PYPI_INDEX_URL: index.url,
        CATWALK_DOCKER_RUNTIME: 'true',
        CATWALK_DOCKER_SOCKET: engine.socketPath,
        CATWALK_DOCKER_IMAGE: engine.image,
        CATWALK_FLY_RUNTIME: 'true',
        CATWALK_FLY_IMAGE: 'registry.example/catwalk/instance:1',
        CATWALK_FLY_API_URL: fly.apiUrl,
        CATWALK_FLY_REACH: 'private',
      },
    }),
  )
  await catwalk('workspace', 'set', `FLY_API_TOKEN=${fly.token}`, `FLY_APP=${FAKE_FLY_APP}`)
})
afterAll(async () => {
  await stack.disposeAsync()
})

async function catwalk(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runCatwalk(program, args)
  if (exitCode !== 0) throw new Error(`${args.join(' ')}: ${stdout}${stderr}`)
  return stdout
}

type Call = readonly [tool: string, args: Readonly<Record<string, unknown>>]

interface Subject {
  readonly slug: string
  readonly source: string
  readonly flags: readonly string[]
  /** Asked on each runtime, in this order; all answers must be the same. */
  readonly calls: readonly Call[]
  /** What is somewhere in the answers, so that the same refusal everywhere is not taken for the same answer. */
  readonly says: readonly string[]
}

const DATA = '/home/server/data'
const NOTE = `${DATA}/note.txt`
const SUBJECTS: readonly Subject[] = [
  {
    slug: 'everything',
    source: 'npm:@modelcontextprotocol/server-everything',
    flags: [],
    calls: [
      ['echo', { message: 'grüezi' }],
      ['get-sum', { a: 20, b: 22 }],
      ['get-structured-content', { location: 'Chicago' }],
      ['get-tiny-image', {}],
      ['echo', {}],
      ['not-a-tool', {}],
    ],
    says: ['grüezi', '42', 'temperature', 'image/png', 'not-a-tool'],
  },
  {
    slug: 'files',
    source: 'npm:@modelcontextprotocol/server-filesystem',
    flags: ['--arg', '/home/server'],
    calls: [
      ['list_allowed_directories', {}],
      ['create_directory', { path: DATA }],
      ['write_file', { path: NOTE, content: 'written ü\n' }],
      ['read_text_file', { path: NOTE }],
      ['list_directory', { path: DATA }],
      ['read_text_file', { path: '/etc/passwd' }],
    ],
    says: ['written ü', '[FILE] note.txt', 'Access denied'],
  },
  {
    slug: 'python',
    source: 'pypi:fixture-evaluator',
    flags: [],
    calls: [
      ['evaluate', { code: '6 * 7' }],
      ['evaluate', { code: "import_('fixture_helper').answer" }],
      ['evaluate', { code: "import_('sys').version_info[:2]" }],
      ['evaluate', { code: '1 / 0' }],
    ],
    says: ['"42"', '[3, ', 'division by zero'],
  },
]

/** What a client has in its hands once it was connected. */
interface Deployed {
  readonly endpoint: string
  readonly token: string
}

async function connect({ endpoint, token }: Deployed): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' })
  const headers = { authorization: `Bearer ${token}` }
  await client.connect(new StreamableHTTPClientTransport(new URL(endpoint), { requestInit: { headers } }))
  return client
}

async function answerOf(client: Client, [name, args]: Call): Promise<unknown> {
  return client.callTool({ name, arguments: args }).catch((error: unknown) => String(error))
}

/** The list of tools and the answers, on a connection made anew. */
async function answersOf(deployed: Deployed, calls: readonly Call[]): Promise<readonly unknown[]> {
  const client = await connect(deployed)
  try {
    const answers: unknown[] = [client.getServerVersion(), await client.listTools()]
    for (const call of calls) answers.push(await answerOf(client, call))
    return answers
  } finally {
    await client.close()
  }
}

/** The next release is the one before in everything but where it runs. */
async function move(slug: string, runtime: string): Promise<void> {
  await catwalk('release', slug, '--runtime', runtime)
  const same = { package: null, args: null, variables: null, tools: null, resources: null, prompts: null }
  expect(JSON.parse(await catwalk('diff', slug, '--json'))).toMatchObject({
    ...same,
    settings: [{ name: 'runtime', to: runtime }],
  })
}

/** Where it runs is where something runs: what was replaced ends after the other one answers. */
async function runsOnlyOn(runtime: string): Promise<void> {
  const counts = { docker: runtime === 'docker' ? 1 : 0, fly: runtime === 'fly' ? 1 : 0 }
  await until(`it runs on ${runtime} only`, async () => {
    const containers = await engine.docker.listContainers()
    const machines = fly.machines().filter(({ state }) => state !== 'destroyed')
    return containers.length === counts.docker && machines.length === counts.fly ? true : null
  })
}

test.each(SUBJECTS)(
  '$slug answers the same in the sandbox, in a container and in a machine, at the same address with the same token',
  async ({ slug, source, flags, calls, says }) => {
    const deploy = ['deploy', source, '--slug', slug, '--runtime', 'local', '--network', 'internet']
    const deployed = JSON.parse(await catwalk(...deploy, ...flags, '--json')) as Deployed
    const answers: (readonly unknown[])[] = []
    // One client stays connected all the while.
    const client = await connect(deployed)
    try {
      for (const runtime of ['local', 'docker', 'fly']) {
        if (answers.length > 0) await move(slug, runtime)
        await runsOnlyOn(runtime)
        answers.push([await client.listTools(), ...(await answersOf(deployed, calls))])
      }
    } finally {
      await client.close()
    }
    const [first = [], ...others] = answers
    for (const words of says) expect(JSON.stringify(first)).toContain(words)
    for (const other of others) expect(other).toEqual(first)
    await catwalk('rm', slug, '--yes')
    await runsOnlyOn('nothing')
    expect(fly.violations).toEqual([])
  },
)
