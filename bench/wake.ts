// npm run bench -- wake: what sleeping and waking cost, with the real program, database and sandbox and a minimal server.
//   --deployments N   how many sleep at once (default 200)
//   --awake N         how many of them are awake at once (default 50)
//   --rounds N        how often one is woken, alone and by 100 callers at once (default 30)
//   --json            one JSON document instead of a table
import { spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createApiClient, type ApiClient } from '../src/contract/index.ts'
import { startNpmRegistry } from '../test/fakes/npm-registry.ts'
import { processesMentioning } from '../test/support/processes.ts'
import { startProgram, type Program } from '../test/support/program.ts'
import { temporaryDirectory } from '../test/support/temporary-directory.ts'
import { until } from '../test/support/until.ts'
import { treeOf } from './processes.ts'

const { values } = parseArgs({
  options: {
    deployments: { type: 'string', default: '200' },
    awake: { type: 'string', default: '50' },
    rounds: { type: 'string', default: '30' },
    json: { type: 'boolean', default: false },
  },
})
const deployments = Number(values.deployments)
const awake = Math.min(Number(values.awake), deployments)
const rounds = Number(values.rounds)
const CALLERS = 100
const PATIENT_MS = 600_000
const MIB = 1_048_576

/** As little as a server on npm can be, so that what is measured is ours and Node's. */
const SERVER = `#!/usr/bin/env node
const answers = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: 'minimal', version: '1' },
  }),
  ping: () => ({}),
  'tools/list': () => ({ tools: [{ name: 'echo', inputSchema: { type: 'object' } }] }),
  'tools/call': () => ({ content: [{ type: 'text', text: 'here' }] }),
}
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line)
  if (id === undefined) return
  const answer = answers[method]
  const rest = answer ? { result: answer(params ?? {}) } : { error: { code: -32601, message: 'no' } }
  process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, ...rest }) + '\\n')
})
`

interface Deployed {
  readonly id: string
  readonly slug: string
  readonly token: string
}

const quantile = (sorted: readonly number[], part: number): number =>
  Math.round((sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0) * 10) / 10
const figures = (times: readonly number[]) => {
  const sorted = times.toSorted((one, other) => one - other)
  return { p50Ms: quantile(sorted, 0.5), p95Ms: quantile(sorted, 0.95) }
}

/** One call of the modern era: no session, so nothing but the wake and the call is measured. */
async function call(program: Program, { slug, token }: Deployed): Promise<number> {
  const startedAt = performance.now()
  const response = await fetch(`${program.origin}/mcp/${slug}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'echo',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: {
        name: 'echo',
        arguments: {},
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1' },
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    }),
  })
  const text = await response.text()
  if (!text.includes('here')) throw new Error(`${slug} answered ${response.status} ${text}`)
  return performance.now() - startedAt
}

/** The same server without us: from spawn to the answer of the first call. */
async function bareStart(file: string): Promise<number> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, [file], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ask = async (id: number, method: string): Promise<void> =>
    new Promise((resolve) => {
      child.stdout.once('data', () => resolve())
      child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params: {} })}\n`)
    })
  await ask(1, 'initialize')
  await ask(2, 'tools/call')
  const took = performance.now() - startedAt
  child.kill('SIGKILL')
  return took
}

async function residentMiB(dataDir: string): Promise<number> {
  const serving = (await processesMentioning(dataDir)).filter((line) => line.includes(' serve '))
  const sizes = serving.map((line) => treeOf(Number.parseInt(line, 10))?.rss ?? 0)
  return Math.max(...sizes) / MIB
}

const serversOf = async (dataDir: string): Promise<number> =>
  (await processesMentioning(`${dataDir}/deployments`)).length

async function apiOf({ origin, dataDir }: Program): Promise<ApiClient> {
  return createApiClient({ origin, apiKey: (await readFile(join(dataDir, 'cli.key'), 'utf8')).trim() })
}

async function becomes(api: ApiClient, wanted: (states: readonly string[]) => boolean): Promise<void> {
  await until(
    'every deployment is as it should be',
    async () => {
      const { items } = await api.call('listDeployments', {})
      return wanted(items.map(({ state }) => state)) ? true : null
    },
    PATIENT_MS,
  )
}

await using registry = await startNpmRegistry([
  { name: 'minimal-mcp', version: '1.0.0', manifest: { bin: 'server.cjs' }, files: { 'server.cjs': SERVER } },
])
await using directory = await temporaryDirectory()
const dataDir = directory.path
const env = {
  npm_config_registry: registry.url,
  npm_config_userconfig: '/nonexistent',
  CATWALK_LOG_LEVEL: 'warn',
  CATWALK_TOKEN_REQUESTS_PER_MINUTE: '1000000',
  CATWALK_ADDRESS_REQUESTS_PER_MINUTE: '0',
  CATWALK_TOKEN_CONCURRENCY: '1000',
  CATWALK_DEPLOYMENT_CONCURRENCY: '1000',
}
const say = (text: string): void => void (values.json || process.stderr.write(`${text}\n`))

say(`deploying ${deployments} servers`)
const all: Deployed[] = []
{
  // They fall asleep soon, so that the machine has to bear only a few at a time.
  await using program = await startProgram({ dataDir, env: { ...env, CATWALK_IDLE_TIMEOUT_S: '2' } })
  const api = await apiOf(program)
  for (let count = 0; count < deployments; count++) {
    const { deployment, token } = await api.call('createDeployment', {
      body: { source: 'npm:minimal-mcp', network: 'none', name: `minimal ${count}`, confirmWarnings: true },
    })
    all.push({ id: deployment.id, slug: deployment.slug, token: token.secret })
  }
  await becomes(api, (states) => states.every((state) => state === 'sleeping'))
  await program.stop()
}

say('all asleep, after a restart')
await using program = await startProgram({ dataDir, env })
const api = await apiOf(program)
await becomes(api, (states) => states.every((state) => state === 'sleeping'))
const settledMiB = await residentMiB(dataDir)
const processesAsleep = await serversOf(dataDir)

/** Asleep again, at once: a second without a call is enough for it. */
async function sleeps({ id }: Deployed): Promise<void> {
  await until(
    `${id} sleeps`,
    async () => ((await api.call('getDeployment', { params: { id } })).state === 'sleeping' ? true : null),
    PATIENT_MS,
  )
}

const [first] = all
if (first === undefined) throw new Error('At least one deployment is needed.')
await api.call('changeSettings', { params: { id: first.id }, body: { idleTimeoutS: 1 } })
const alone: number[] = []
const together: number[] = []
const bare: number[] = []
const file = join(dataDir, 'bare.cjs')
await writeFile(file, SERVER)
for (let round = 0; round < rounds; round++) {
  await sleeps(first)
  alone.push(await call(program, first))
  bare.push(await bareStart(file))
}
say('a hundred callers')
for (let round = 0; round < Math.ceil(rounds / 3); round++) {
  await sleeps(first)
  together.push(...(await Promise.all(Array.from({ length: CALLERS }, async () => call(program, first)))))
}
say(`${awake} awake`)
await Promise.all(all.slice(0, awake).map(async (one) => call(program, one)))
const awakeMiB = await residentMiB(dataDir)
const answering = await Promise.all(all.slice(0, awake).map(async (one) => call(program, one)))

const report = {
  deployments,
  processesAsleep,
  controlPlaneMiB: Math.round(settledMiB),
  bareStart: figures(bare),
  wake: figures(alone),
  ownPartP50Ms: Math.round((figures(alone).p50Ms - figures(bare).p50Ms) * 10) / 10,
  wakeByAHundred: figures(together),
  awake,
  awakeControlPlaneMiB: Math.round(awakeMiB),
  awakeCall: figures(answering),
}
await program.stop()
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
