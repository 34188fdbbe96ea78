import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ApiClient } from '../../src/contract/index.ts'
import { launchBrowser } from '../browser/support/browser.ts'
import { openPage } from '../browser/support/page.ts'
import { startNpmRegistry, type FakePackage } from '../fakes/npm-registry.ts'
import { runCatwalk } from '../program/run-catwalk.ts'
import { connectClient } from '../support/mcp-client.ts'
import { processesMentioning } from '../support/processes.ts'
import { apiOf, startProgram, type Program } from '../support/program.ts'
import { until } from '../support/until.ts'
import { serverPackage, toolsNamed } from '../support/server-package.ts'

/** Within so long of falling silent a server is seen to be, with the settings that everybody has. */
const WITHIN_MS = 60_000
/** Longer than that, so that what takes longer is told by its time. */
const PATIENT_MS = 90_000

/** Answers `quick` at once and `slow` after ten seconds; `hang` keeps its event loop for ever. */
function server(name: string): FakePackage {
  return serverPackage(name, {
    begin: "const started = Date.now() + '-' + process.hrtime.bigint()",
    answers: `
  'tools/list': ${toolsNamed('quick', 'slow', 'hang')},
  'tools/call': async ({ name }) => {
    if (name !== 'quick') console.error(name + ' has come')
    if (name === 'hang') for (;;);
    if (name === 'slow') await new Promise((resolve) => setTimeout(resolve, 10000))
    return { content: [{ type: 'text', text: 'from ' + started }] }
  },
`,
  })
}

const NAMES = ['stopped', 'hung', 'idle', 'asleep', 'well'] as const
type Name = (typeof NAMES)[number]

interface Deployed {
  readonly id: string
  readonly endpoint: string
  readonly token: string
}

const owned = new AsyncDisposableStack()
let program: Program
let api: ApiClient
let page: Page
let deployed: Readonly<Record<Name, Deployed>>

beforeAll(async () => {
  const registry = owned.use(await startNpmRegistry(NAMES.map((name) => server(`${name}-health-mcp`))))
  program = owned.use(
    await startProgram({
      env: { npm_config_registry: registry.url, npm_config_userconfig: '/nonexistent' },
    }),
  )
  api = await apiOf(program)
  const browser = await launchBrowser()
  owned.defer(() => browser.close())
  page = owned.use(await openPage(browser, { theme: 'light', width: 1440 })).page
  page.setDefaultTimeout(PATIENT_MS)
  await page.goto(program.setUpLink ?? '')
  await page.getByLabel('Name').fill('Ana')
  await page.getByLabel('Email').fill('ana@example.com')
  await page.getByLabel('Password', { exact: true }).fill('a long enough password')
  await page.getByRole('button', { name: 'Make the account', exact: true }).click()
  await page.getByRole('heading', { name: 'Paste a link, get an endpoint' }).waitFor()
  // One after the other: a workspace has only so many analyses at once.
  const made: (readonly [Name, Deployed])[] = []
  for (const name of NAMES) made.push([name, await deploy(name)])
  // Made from the names above.
  deployed = Object.fromEntries(made) as Record<Name, Deployed>
  await api.call('changeSettings', { params: { id: deployed.asleep.id }, body: { idleTimeoutS: 1 } })
  await becomes('asleep', 'sleeping')
  await page.goto(`${program.origin}/deployments`)
  await row('well').waitFor()
})
afterAll(() => owned.disposeAsync())

async function deploy(name: Name): Promise<Deployed> {
  const { deployment, token } = await api.call('createDeployment', {
    body: { source: `npm:${name}-health-mcp`, network: 'none', name, confirmWarnings: true },
  })
  const endpoint = `${program.origin}/mcp/${deployment.slug}`
  await until(
    `${name} answers`,
    async () =>
      connectClient(endpoint, token.secret).then(
        async (client) => client.close().then(() => true as const),
        () => null,
      ),
    PATIENT_MS,
  )
  return { id: deployment.id, endpoint, token: token.secret }
}

const connect = (name: Name) => connectClient(deployed[name].endpoint, deployed[name].token)
const stateOf = async (name: Name) => api.call('getDeployment', { params: { id: deployed[name].id } })

/** How long it took, in milliseconds. */
async function becomes(name: Name, state: string): Promise<number> {
  const startedAt = performance.now()
  await until(
    `${name} is ${state}`,
    async () => ((await stateOf(name)).state === state ? true : null),
    PATIENT_MS,
  )
  return performance.now() - startedAt
}

async function kindsOf(name: Name): Promise<readonly string[]> {
  const { items } = await api.call('listEvents', { params: { id: deployed[name].id }, query: { limit: 100 } })
  return items.map(({ kind }) => kind)
}

const row = (name: Name) =>
  page.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) })

/** Which process answers. */
async function answerOf(name: Name): Promise<unknown> {
  await using client = await connect(name)
  return (await client.callTool({ name: 'quick' })).content
}

/** The server itself, not what confines it. */
async function serverProcess(name: Name): Promise<number> {
  const found = (await processesMentioning(`${name}-health-mcp/server.cjs`)).filter(
    (line) => !line.includes('bwrap'),
  )
  expect(found).toHaveLength(1)
  return Number.parseInt(found[0] ?? '', 10)
}

async function hasCome(name: Name, tool: string): Promise<void> {
  await until('the call has come', async () => {
    const { items } = await api.call('listLogs', { params: { id: deployed[name].id }, query: { limit: 100 } })
    return items.some(({ line }) => line === `${tool} has come`) ? true : null
  })
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

test('a server that stands still or hangs is unhealthy within a minute, in API, command line and dashboard; it is healed when it answers again, or is started again; what sleeps is not unhealthy', async ({
  annotate,
}) => {
  const before = {
    stopped: await answerOf('stopped'),
    hung: await answerOf('hung'),
    idle: await answerOf('idle'),
  }
  await using ofStopped = await connect('stopped')
  await using ofHung = await connect('hung')
  const slow = ofStopped.callTool({ name: 'slow' }, undefined, { timeout: 200_000 })
  const hanging = new AbortController()
  const hang = ofHung.callTool({ name: 'hang' }, undefined, { timeout: 200_000, signal: hanging.signal })
  // Looked at in the end, or never; until then a failure has nobody to hear it.
  for (const call of [slow, hang]) call.catch(() => undefined)
  await Promise.all([hasCome('stopped', 'slow'), hasCome('hung', 'hang')])
  const stoppedPid = await serverProcess('stopped')
  process.kill(stoppedPid, 'SIGSTOP')
  process.kill(await serverProcess('idle'), 'SIGSTOP')

  // Nobody uses it, so that it is started again as soon as it is known to be silent.
  const replaced = (async () => {
    const startedAt = performance.now()
    await until(
      'the idle one is started again',
      async () => {
        const kinds = await kindsOf('idle')
        return kinds.indexOf('instance.ready') < kinds.indexOf('instance.ended') ? true : null
      },
      PATIENT_MS,
    )
    return performance.now() - startedAt
  })()
  const shown = Promise.all(
    (['stopped', 'hung'] as const).map((name) => row(name).getByText('Unhealthy').first().waitFor()),
  )
  const [stoppedMs, hungMs, idleMs] = await Promise.all([
    becomes('stopped', 'unhealthy'),
    becomes('hung', 'unhealthy'),
    replaced,
    shown,
  ])
  for (const ms of [stoppedMs, hungMs, idleMs]) expect(ms).toBeLessThan(WITHIN_MS)
  expect(await answerOf('idle')).not.toEqual(before.idle)

  expect((await stateOf('hung')).stateReason).toBe('It does not answer its health check.')
  const listed = JSON.parse((await runCatwalk(program, ['ls', '--json'])).stdout) as {
    name: string
    state: string
  }[]
  expect(Object.fromEntries(listed.map(({ name, state }) => [name, state]))).toEqual({
    stopped: 'unhealthy',
    hung: 'unhealthy',
    idle: 'running',
    asleep: 'sleeping',
    well: 'running',
  })
  expect((await runCatwalk(program, ['show', 'hung'])).stdout).toContain(
    'It does not answer its health check.',
  )
  await row('asleep').getByText('Sleeping').first().waitFor()

  process.kill(stoppedPid, 'SIGCONT')
  const healedMs = await becomes('stopped', 'running')
  expect((await slow).content).toEqual(before.stopped)
  expect(await answerOf('stopped')).toEqual(before.stopped)
  expect(await kindsOf('stopped')).toEqual(expect.arrayContaining(['instance.silent', 'instance.ready']))
  expect(await kindsOf('stopped')).not.toContain('instance.ended')
  await row('stopped').getByText('Running').first().waitFor()

  // With nobody waiting for it any more it need not be spared.
  hanging.abort()
  const restartedMs = await becomes('hung', 'running')
  expect(await answerOf('hung')).not.toEqual(before.hung)
  await row('hung').getByText('Running').first().waitFor()

  for (const name of ['asleep', 'well'] as const) {
    expect(await kindsOf(name)).not.toContain('instance.silent')
    expect(await kindsOf(name)).not.toContain('instance.ended')
  }
  await annotate(
    `unhealthy after ${seconds(stoppedMs)} (stopped), ${seconds(hungMs)} (hung), ` +
      `an idle one replaced after ${seconds(idleMs)}; ` +
      `healed ${seconds(healedMs)} after it went on, started again ${seconds(restartedMs)} after its caller left`,
  )
})
