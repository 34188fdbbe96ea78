// npm run bench -- deploy --corpus PATH: installs and starts real servers in the sandbox, with placeholders for their
// credentials, and compares the tools that they list with those that they listed when they were run by hand.
//   --corpus PATH     a folder with a servers.json
//   --only NAME       those whose name contains NAME
//   --slice I/N       the I-th of N parts, from 1
//   --data-dir PATH   keeps installations between runs (default: a fresh directory)
//   --json            one JSON document instead of a table
import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createSessionMemory } from '../src/bridge/index.ts'
import {
  CatwalkError,
  chooseExecutable,
  newId,
  Secret,
  type InstanceInput,
  type LaunchSpec,
  type LineSink,
  type Runtime,
} from '../src/domain/index.ts'
import { createNpmIndex, loadNpmConfiguration, loadPythonIndex } from '../src/packages/index.ts'
import { createLocalRuntime } from '../src/runtimes/local/index.ts'
import { silentLogger } from '../test/support/logger.ts'
import { loadCorpus, type CorpusServer } from './corpus.ts'

const { values } = parseArgs({
  options: {
    corpus: { type: 'string' },
    only: { type: 'string', default: '' },
    slice: { type: 'string', default: '1/1' },
    'data-dir': { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})

const INSTALL_LIMIT_MS = 300_000
const PROBE_LIMIT_MS = 60_000
const MEMORY_MIB = 1024
const never = new AbortController().signal
const npm = () => loadNpmConfiguration(process.env)
const index = createNpmIndex({ configuration: npm })

interface Outcome {
  readonly name: string
  readonly ok: boolean
  /** In words, why not; null when it lists what it should. */
  readonly reason: string | null
  readonly installMs: number
  readonly readyMs: number
  readonly tools: number
  readonly lastLines: readonly string[]
}

/** By hand it ran in another home. */
const here = (text: string): string => text.replaceAll(/\/home\/u(?:\/data)?(?=\/|$)/g, '/home/server')

async function specOf(server: CorpusServer): Promise<LaunchSpec> {
  const info = await index.resolve(server.name, server.version, never)
  const executable = chooseExecutable(info, server.npxBin?.split('/').at(-1) ?? null)
  const { name, version, integrity } = info
  return {
    package: { kind: 'npm', name, version, integrity, executable },
    args: [],
    userArgs: (server.dummy?.args ?? []).map(here),
    variables: Object.keys(server.dummy?.env ?? {}).map((variable) => ({
      name: variable,
      description: null,
      required: true,
      secret: true,
      default: null,
      ...(isFile(server, variable) ? { file: `${variable.toLowerCase()}.json` } : {}),
    })),
    transport: { kind: 'stdio' },
  }
}

/** A placeholder that is a path outside the home stands for a file that the user hands in. */
function isFile(server: CorpusServer, variable: string): boolean {
  return /^\/(?!home\/)/.test(server.dummy?.env?.[variable] ?? '')
}

/** A client key of Google's form, which is what servers with a key file want to see. */
const KEY_FILE = JSON.stringify({
  installed: {
    client_id: 'placeholder.apps.googleusercontent.com',
    client_secret: 'placeholder',
    redirect_uris: ['http://localhost:3000/oauth2callback'],
  },
})

/** Starts it once and returns the names of its tools. */
async function listTools(runtime: Runtime, server: CorpusServer, release: ReleaseParts): Promise<string[]> {
  const given = Object.entries(server.dummy?.env ?? {})
  const instance = await runtime.start(
    {
      ...release,
      instanceId: newId('instance'),
      releaseId: newId('release'),
      epoch: 1,
      slot: 1,
      credentials: new Map(
        given.map(([name, value]) => [name, new Secret(isFile(server, name) ? KEY_FILE : here(value))]),
      ),
      sealKey: randomBytes(32),
      sessions: createSessionMemory(() => new Date()),
      processes: 'auto',
      stateful: false,
      era: null,
    },
    never,
  )
  try {
    const manifest = await instance.endpoint.probe(AbortSignal.timeout(PROBE_LIMIT_MS))
    return manifest.tools.flatMap(({ name }) => (typeof name === 'string' ? name : []))
  } finally {
    await instance.stop(0)
  }
}

type ReleaseParts = Pick<
  InstanceInput,
  'workspaceId' | 'deploymentId' | 'spec' | 'settings' | 'lockFile' | 'output'
>

async function tryServer(runtime: Runtime, server: CorpusServer): Promise<Outcome> {
  const lastLines: string[] = []
  const output: LineSink = (stream, line) => {
    lastLines.push(`${stream}: ${line.slice(0, 300)}`)
    if (lastLines.length > 30) lastLines.shift()
  }
  const startedAt = performance.now()
  let installedAt = startedAt
  const outcome = (ok: boolean, reason: string | null, tools: number): Outcome => ({
    name: server.name,
    ok,
    reason,
    installMs: Math.round(installedAt - startedAt),
    readyMs: Math.round(performance.now() - installedAt),
    tools,
    lastLines,
  })
  const expected = server.tools ?? []
  const deploymentId = newId('deployment')
  try {
    const spec = await specOf(server)
    const settings = {
      network: 'none',
      allowScripts: server.bestRun === 'scripts',
      memoryMiB: MEMORY_MIB,
    } as const
    const common = { workspaceId: 'bench', deploymentId, spec, settings, output }
    const { lockFile } = await runtime.prepare({ ...common, lockFile: null }, never)
    installedAt = performance.now()
    const listed = await listTools(runtime, server, { ...common, lockFile })
    const difference = differs(expected, listed)
    if (difference === null) return outcome(true, null, listed.length)
    const again = await listTools(runtime, server, { ...common, lockFile })
    return sameNumber(listed, again, expected.length)
      ? outcome(true, 'names its tools anew at each start', listed.length)
      : outcome(false, difference, listed.length)
  } catch (error) {
    // By hand it answered tools/list with an error as well, because it asks a service for its tools.
    const asByHand =
      error instanceof CatwalkError && error.code === 'server_refused' && server.tools?.length === 0
    return outcome(asByHand, error instanceof Error ? error.message : String(error), 0)
  } finally {
    await runtime.purge(deploymentId, never)
  }
}

/** A server that names its tools anew at each start can only be held to their number. */
function sameNumber(first: readonly string[], second: readonly string[], expected: number): boolean {
  return (
    first.some((name) => !second.includes(name)) && first.length === expected && second.length === expected
  )
}

/** In words, what is missing and what is too much; null when nothing is. */
function differs(expected: readonly string[], listed: readonly string[]): string | null {
  const missing = expected.filter((name) => !listed.includes(name))
  const more = listed.filter((name) => !expected.includes(name))
  if (missing.length === 0 && more.length === 0) return null
  return `missing: ${missing.join(', ') || '-'}; more: ${more.join(', ') || '-'}`
}

if (values.corpus === undefined) throw new Error('Which corpus? --corpus PATH')
const [part = 1, parts = 1] = values.slice.split('/').map(Number)
const able = (await loadCorpus(values.corpus, values.only)).filter(
  (server) => server.isMcpServer && server.answersWithDocumentedConfig,
)
const dataDir = values['data-dir'] ?? (await mkdtemp(join(tmpdir(), 'catwalk-bench-')))
await chmod(dataDir, 0o711)
const runtime = createLocalRuntime({
  dataDir,
  logger: silentLogger,
  npm,
  pypi: async () => loadPythonIndex(null, process.env),
  installTimeoutMs: INSTALL_LIMIT_MS,
  allowUnsandboxed: false,
})
const outcomes: Outcome[] = []
try {
  for (const server of able.filter((_, position) => position % parts === part - 1)) {
    const outcome = await tryServer(runtime, server)
    outcomes.push(outcome)
    if (values.json) continue
    const { name, ok, reason, installMs, readyMs, tools, lastLines } = outcome
    const figures = `${String(installMs).padStart(7)} ${String(readyMs).padStart(7)} ${String(tools).padStart(4)}`
    process.stdout.write(`${ok ? '✓' : '✗'} ${name.padEnd(44)} ${figures}  ${reason ?? ''}\n`)
    if (!ok) process.stdout.write(lastLines.map((line) => `      ${line}\n`).join(''))
  }
} finally {
  if (values['data-dir'] === undefined) await rm(dataDir, { recursive: true, force: true })
}
const good = outcomes.filter(({ ok }) => ok).length
const summary = { servers: outcomes.length, good, share: outcomes.length === 0 ? 1 : good / outcomes.length }
process.stdout.write(
  values.json
    ? `${JSON.stringify({ ...summary, outcomes }, null, 2)}\n`
    : `${good} of ${outcomes.length} (${(summary.share * 100).toFixed(1)} %); install and ready in ms, tools\n`,
)
