// npm run bench -- wake: what sleeping and waking cost, with the real program, database and sandbox and a minimal server.
//   --deployments N   how many sleep at once (default 200)
//   --awake N         how many of them are awake at once (default 50)
//   --rounds N        how often one is woken, alone and by 100 callers at once (default 30)
//   --json            one JSON document instead of a table
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { ApiClient } from '../src/contract/index.ts'
import { startNpmRegistry } from '../test/fakes/npm-registry.ts'
import { apiOf, startProgram } from '../test/support/program.ts'
import { temporaryDirectory } from '../test/support/temporary-directory.ts'
import { until } from '../test/support/until.ts'
import { controlPlane, settledControlPlane, type ControlPlane } from './control-plane.ts'
import { bareStart, call, SERVER, type Deployed } from './minimal-server.ts'

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

const quantile = (sorted: readonly number[], part: number): number =>
  Math.round((sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0) * 10) / 10
const figures = (times: readonly number[]) => {
  const sorted = times.toSorted((one, other) => one - other)
  return { p50Ms: quantile(sorted, 0.5), p95Ms: quantile(sorted, 0.95), maxMs: quantile(sorted, 1) }
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

const rounded = ({ programMiB, databaseMiB, servers }: ControlPlane) => ({
  programMiB: Math.round(programMiB),
  databaseMiB: Math.round(databaseMiB),
  servers,
})
/** What each deployment adds to the memory of the program. */
const perDeploymentKiB = (before: ControlPlane, after: ControlPlane): number =>
  Math.round(((after.programMiB - before.programMiB) / deployments) * 1024)
const allSleep = (states: readonly string[]): boolean => states.every((state) => state === 'sleeping')

let empty: ControlPlane
{
  await using program = await startProgram({ dataDir, env })
  empty = await settledControlPlane(dataDir)
  await program.stop()
}

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
  await becomes(api, allSleep)
  await program.stop()
}

say('all asleep, after a restart')
await using program = await startProgram({ dataDir, env: { ...env, CATWALK_IDLE_TIMEOUT_S: '20' } })
const api = await apiOf(program)
await becomes(api, allSleep)
const asleep = await settledControlPlane(dataDir)

async function sleeps({ id }: Deployed): Promise<void> {
  await until(
    `${id} sleeps`,
    async () => ((await api.call('getDeployment', { params: { id } })).state === 'sleeping' ? true : null),
    PATIENT_MS,
  )
}

const [first] = all
if (first === undefined) throw new Error('At least one deployment is needed.')
// Asleep again at once: a second without a call is enough for it.
await api.call('changeSettings', { params: { id: first.id }, body: { idleTimeoutS: 1 } })
const alone: number[] = []
const together: number[] = []
const bare: number[] = []
const file = join(dataDir, 'bare.cjs')
await writeFile(file, SERVER)
for (let round = 0; round < rounds; round++) {
  bare.push(await bareStart(file))
  await sleeps(first)
  alone.push(await call(program, first))
}
say('a hundred callers')
for (let round = 0; round < Math.ceil(rounds / 3); round++) {
  await sleeps(first)
  together.push(...(await Promise.all(Array.from({ length: CALLERS }, async () => call(program, first)))))
}

// Every one is called, as many at once as may be awake, and throws unless it answers: none is starved.
const waking: number[] = []
let awakeOnes: { readonly controlPlane: ControlPlane; readonly calls: readonly number[] } | null = null
for (let from = 0; from < deployments; from += awake) {
  const some = all.slice(from, from + awake)
  say(`waking ${some.length} at once, of ${deployments}`)
  waking.push(...(await Promise.all(some.map(async (one) => call(program, one)))))
  awakeOnes ??= {
    controlPlane: await controlPlane(dataDir),
    calls: await Promise.all(some.map(async (one) => call(program, one))),
  }
  await becomes(api, allSleep)
}
const asleepAgain = await settledControlPlane(dataDir)

const report = {
  deployments,
  empty: rounded(empty),
  asleep: rounded(asleep),
  perSleepingDeploymentKiB: perDeploymentKiB(empty, asleep),
  bareStart: figures(bare),
  wake: figures(alone),
  ownPartP50Ms: Math.round((figures(alone).p50Ms - figures(bare).p50Ms) * 10) / 10,
  wakeByAHundred: figures(together),
  awake,
  whileAwake: awakeOnes === null ? null : rounded(awakeOnes.controlPlane),
  callsWhileAwake: figures(awakeOnes?.calls ?? []),
  wokenTogether: { answered: waking.length, ...figures(waking) },
  asleepAgain: rounded(asleepAgain),
  perDeploymentAsleepAgainKiB: perDeploymentKiB(empty, asleepAgain),
}
await program.stop()
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
