import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { schemas } from '../../src/contract/index.ts'
import { CatwalkError } from '../../src/domain/index.ts'
import type { FeedConnection } from '../fakes/api.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { launchBrowser } from './support/browser.ts'
import { buildDashboard, startDashboard, type Dashboard } from './support/dashboard.ts'
import { appears, openPage, type WatchedPage } from './support/page.ts'
import { analysis, callResult, logs, me, registry, settings, ticktick } from './support/scene-data.ts'
import { fakeHouse, feed, SEVERAL, type Handlers } from './support/scenes.ts'

const owned = new AsyncDisposableStack()
let browser: Browser
let dashboard: Dashboard
let answers: Handlers = {}
let feeds: FeedConnection[] = []
let analysisFeeds: FeedConnection[] = []
let watched: WatchedPage
let page: Page

beforeAll(async () => {
  const built = owned.use(await temporaryDirectory())
  await buildDashboard(built.path)
  const api = fakeHouse(
    () => answers,
    (connection) => {
      feeds.push(connection)
      feed(connection)
    },
    (connection) => analysisFeeds.push(connection),
  )
  dashboard = owned.use(await startDashboard(built.path, api))
  browser = await launchBrowser()
  owned.defer(() => browser.close())
})
afterAll(() => owned.disposeAsync())
beforeEach(async () => {
  answers = {}
  feeds = []
  analysisFeeds = []
  watched = await openPage(browser, { theme: 'light', width: 1440 })
  page = watched.page
})
afterEach(() => watched[Symbol.asyncDispose]())

const underWay = (source: string) => ({
  id: 'ana_1',
  source,
  state: 'running' as const,
  steps: [],
  analysis: null,
  error: null,
})
const visit = (path: string) => page.goto(dashboard.origin + path)
const nobody = () => {
  throw new CatwalkError('unauthenticated', 'Nobody is signed in.')
}
const button = (name: string) => page.getByRole('button', { name, exact: true })
const theme = () => page.locator('html').getAttribute('data-theme')
const focused = () => page.evaluate<string>('document.activeElement.outerHTML')

test('the theme follows the system until it is chosen, and the choice is remembered', async () => {
  await visit('/deployments')
  expect(await theme()).toBe('light')
  await button('Switch to the dark theme').click()
  expect(await theme()).toBe('dark')
  await page.reload()
  await button('Switch to the light theme').waitFor()
  expect(await theme()).toBe('dark')
})

test('a lost connection is told, what is known stays, and the page mends itself', async () => {
  await visit('/deployments')
  await page.getByText('Warehouse Postgres').waitFor()
  await page.context().setOffline(true)
  await page.getByText('Connection lost').waitFor()
  expect(await appears(page.getByText('Warehouse Postgres'))).toBe(true)
  await page.context().setOffline(false)
  await button('Try now').click()
  await page.getByText('Connection lost').waitFor({ state: 'detached' })
})

test('a session that ends while the page is open leads to the door, and back', async () => {
  await visit('/deployments/ticktick')
  await page.getByRole('heading', { name: 'Connect' }).waitFor()
  answers = { getMe: nobody, listTokens: nobody }
  await page.getByRole('link', { name: 'Access', exact: true }).first().click()
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  expect(new URL(page.url()).searchParams.get('back')).toBe('/deployments/ticktick/access')
})

test('an address to go back to that leads elsewhere is not followed', async () => {
  await visit(`/sign-in?back=${encodeURIComponent('//evil.example/')}`)
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  expect(await page.getByText('You come back').count()).toBe(0)
})

test('the first Tab reaches the way past the menu', async () => {
  await visit('/deployments')
  await page.getByText('Warehouse Postgres').waitFor()
  await page.keyboard.press('Tab')
  expect(await focused()).toContain('Skip to content')
})

test('walking into a room puts the focus there and names it in the title', async () => {
  await visit('/deployments')
  await page.getByRole('link', { name: 'TickTick' }).click()
  await page.getByRole('heading', { name: 'Connect' }).waitFor()
  expect(await focused()).toMatch(/^<main/)
  expect(await page.title()).toBe('TickTick · Catwalk')
})

test('Escape closes a dialog and gives the focus back to what opened it', async () => {
  await visit('/deployments/ticktick/settings')
  await button('Delete').click()
  await page.getByRole('dialog').waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  expect(await focused()).toContain('Delete')
})

test('a menu is worked with the keyboard alone', async () => {
  await visit('/deployments/ticktick')
  await button('More actions').press('Enter')
  // The menu moves the focus a moment after a key, so that a second key could come too early.
  const hasFocus = (name: string) => page.locator('[role=menuitem]:focus', { hasText: name }).waitFor()
  await hasFocus('Restart')
  await page.keyboard.press('ArrowDown')
  await hasFocus('Stop')
  await page.keyboard.press('ArrowDown')
  await hasFocus('Export')
  await page.keyboard.press('ArrowDown')
  await hasFocus('Delete')
  await page.keyboard.press('Enter')
  expect(await appears(page.getByRole('dialog', { name: 'Delete TickTick' }))).toBe(true)
})

test('the registry is searched while one types, walked with the keyboard, and an entry leads to its review', async () => {
  const asked: unknown[] = []
  answers = {
    listRegistryServers: ({ query }) => {
      asked.push(query['q'] ?? '')
      const items = registry.items.filter(({ title }) => title?.toLowerCase().startsWith(query['q'] ?? ''))
      return { ...registry, items, cursor: null }
    },
  }
  await visit('/')
  const field = page.getByRole('searchbox', { name: 'Search the registry' })
  await field.pressSequentially('slack')
  await page.getByRole('status').getByText('1 server.').waitFor({ state: 'attached' })
  expect(await page.getByRole('link', { name: /GitHub/ }).count()).toBe(0)
  // Not once for every letter.
  expect(asked[0]).toBe('')
  expect(asked.length).toBeLessThan(6)
  await page.keyboard.press('ArrowDown')
  expect(await focused()).toContain('com.slack/mcp')
  await page.keyboard.press('ArrowUp')
  expect(await focused()).toContain('Search the registry')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'How it runs' }).waitFor()
  expect(new URL(page.url()).searchParams.get('source')).toBe('registry:com.slack/mcp')
})

test('a warning blocks the deployment until it is decided, and says so', async () => {
  await visit('/new?source=npm:ticktick-mcp')
  const deploy = button('Deploy')
  await deploy.focus()
  expect(await deploy.getAttribute('aria-disabled')).toBe('true')
  const why = await deploy.getAttribute('aria-describedby')
  expect(await page.locator(`#${why}`).innerText()).toBe('Decide about the install scripts first.')
  await button('Leave them out').click()
  expect(await deploy.getAttribute('aria-disabled')).toBeNull()
})

test('optional settings are closed until they are wanted, and choices are chosen', async () => {
  await visit('/new?source=npm:ticktick-mcp')
  const region = page.getByLabel('Value of TICKTICK_REGION')
  expect(await region.isVisible()).toBe(false)
  await page.getByText('1 optional setting').click()
  expect(await region.locator('option').allInnerTexts()).toEqual([
    'ticktick.com',
    'ticktick.com',
    'dida365.com',
  ])
})

test('the steps of an analysis are shown and told as they happen, until what was found takes their place', async () => {
  answers = { startAnalysis: ({ body }) => underWay(schemas.CreateAnalysis.parse(body).source) }
  const startedAt = new Date().toISOString()
  await visit('/')
  await page.getByLabel('Source').fill('npm:ticktick-mcp')
  await button('Look inside').click()
  await expect.poll(() => analysisFeeds.length).toBe(1)
  const [own] = analysisFeeds
  own?.send('step', { step: 'fetching', detail: 'npm:ticktick-mcp', startedAt, endedAt: null })
  const current = page.locator('.steps li[aria-current=step]')
  await current.getByText('Fetching it').waitFor()
  own?.send('step', { step: 'fetching', detail: 'npm:ticktick-mcp', startedAt, endedAt: startedAt })
  own?.send('step', { step: 'booting', detail: null, startedAt, endedAt: null })
  await current.getByText('Trying it out in the sandbox').waitFor()
  expect(await page.locator('.steps li.done').allInnerTexts()).toHaveLength(1)
  await page.getByRole('status').getByText('Trying it out in the sandbox').waitFor()
  own?.send('analysis', analysis)
  await page.getByRole('heading', { name: 'How it runs' }).waitFor()
})

test('an analysis that is stopped is not followed any more, and one that fails says why', async () => {
  answers = { startAnalysis: ({ body }) => underWay(schemas.CreateAnalysis.parse(body).source) }
  await visit('/')
  await page.getByLabel('Source').fill('npm:ticktick-mcp')
  await button('Look inside').click()
  await expect.poll(() => analysisFeeds.length).toBe(1)
  const closed = new Promise<void>((resolve) => analysisFeeds[0]?.onClose(resolve))
  await button('Stop').click()
  await closed
  expect(await page.getByRole('alert').count()).toBe(0)
  await button('Look inside').click()
  await expect.poll(() => analysisFeeds.length).toBe(2)
  analysisFeeds[1]?.send(
    'failed',
    new CatwalkError('source_not_found', 'There is no such package.').toBody('req_1'),
  )
  await page.getByText('There is no such package.').waitFor()
})

test('of several servers another one is chosen, and a source without one leads back', async () => {
  const asked: (string | undefined)[] = []
  answers = {
    createAnalysis: ({ body }) => {
      const { source, server } = schemas.CreateAnalysis.parse(body)
      asked.push(server)
      return source === 'acme/website'
        ? { ...analysis, verdict: 'not_a_server' as const, launch: null, warnings: [] }
        : { ...analysis, candidates: SEVERAL }
    },
  }
  await visit('/new?source=acme/servers')
  await page.getByRole('link', { name: /calendar-mcp/ }).click()
  await expect.poll(() => asked.at(-1)).toBe('@acme/calendar-mcp')
  await page.locator('.server[aria-current]', { hasText: 'calendar-mcp' }).waitFor()
  await visit('/new?source=acme/website')
  await page.getByText('No server found').waitFor()
  expect(await page.getByLabel('I know, deploy it all the same').count()).toBe(0)
  await page.getByRole('link', { name: 'Choose another source' }).click()
  expect(await appears(page.getByLabel('Source'))).toBe(true)
})

test('pasting a .env fills the variables and does not deploy', async () => {
  await visit('/new?source=npm:ticktick-mcp')
  await button('Leave them out').click()
  await button('Paste .env').click()
  await page.getByLabel('Contents').fill('TOKEN="a b"\nREGION=eu')
  await button('Take 2 variables').click()
  expect(await page.getByLabel('Name of variable 4').inputValue()).toBe('REGION')
  const value = page.getByLabel('Value of variable 3', { exact: true })
  expect(await value.inputValue()).toBe('a b')
  expect(await value.getAttribute('type')).toBe('password')
  expect(dashboard.api.requests.filter(({ name }) => name === 'createDeployment')).toEqual([])
})

test('a pasted configuration is deployed with its values, which stay out of the address', async () => {
  const pasted =
    '{"mcpServers":{"a":{"command":"npx","args":["-y","ticktick-mcp"],"env":{"TICKTICK_ACCESS_TOKEN":"tt_secret"}}}}'
  answers = {
    createAnalysis: () => ({
      ...analysis,
      warnings: [],
      snippet: { server: 'a', servers: ['a'], args: [], env: ['TICKTICK_ACCESS_TOKEN'] },
    }),
  }
  await visit('/')
  await page.getByLabel('Source').fill(pasted)
  // A new line, as in any text of several lines.
  await page.keyboard.press('Enter')
  await page.keyboard.press('Control+Enter')
  await page.getByRole('heading', { name: 'How it runs' }).waitFor()
  expect(page.url()).not.toContain('tt_secret')
  expect(await page.getByText('Pasted', { exact: true }).count()).toBe(1)
  await button('Deploy').click()
  await expect
    .poll(() => dashboard.api.requests.find(({ name }) => name === 'createDeployment')?.body)
    .toMatchObject({ analysisId: analysis.id, source: expect.stringContaining('tt_secret'), server: 'a' })
})

test('what is required and missing is said, and can be left out by who knows better', async () => {
  const path = { name: 'PATH', position: 0, required: true, secret: false, example: null, description: null }
  answers = {
    createAnalysis: () => ({
      ...analysis,
      warnings: [],
      requiredOneOf: [[['KEY_FILE'], ['USER', 'PASSWORD']]],
      arguments: [{ ...path, evidence: [] }],
    }),
  }
  const sent = () => dashboard.api.requests.filter(({ name }) => name === 'createDeployment').length
  const before = sent()
  await visit('/new?source=npm:ticktick-mcp')
  await page.getByRole('heading', { name: 'How it runs' }).waitFor()
  expect(await button('Deploy without them').count()).toBe(0)
  await button('Deploy').click()
  const without = button('Deploy without them')
  await without.waitFor()
  const described = await without.getAttribute('aria-describedby')
  expect(await page.locator(`#${described}`).innerText()).toMatch(
    /^Missing: TICKTICK_ACCESS_TOKEN; PATH; KEY_FILE, or USER and PASSWORD\./,
  )
  expect(sent()).toBe(before)
  await page.getByLabel('Value of TICKTICK_ACCESS_TOKEN', { exact: true }).fill('tt')
  await page.getByText(/^Missing: PATH; KEY_FILE/).waitFor()
  await without.focus()
  await page.keyboard.press('Enter')
  await expect.poll(sent).toBe(before + 1)
  expect(dashboard.api.requests.findLast(({ name }) => name === 'createDeployment')?.body).toMatchObject({
    allowMissing: true,
    variables: { TICKTICK_ACCESS_TOKEN: 'tt' },
  })
})

test('a state is told to screen readers when it changes, and new lines arrive by themselves', async () => {
  await visit('/deployments/ticktick/logs')
  await page.getByText('Following').waitFor()
  feeds[0]?.send('deployment', { ...ticktick, state: 'unhealthy', stateReason: 'It stopped answering' })
  await page.getByRole('status').getByText('TickTick: Unhealthy').waitFor({ state: 'attached' })
  feeds[0]?.send('log', { ...logs[0], id: '100', line: 'A line from just now' }, '100')
  expect(await appears(page.getByText('A line from just now'))).toBe(true)
})

test('a feed that broke off is taken up again and tells nothing twice', async () => {
  await visit('/deployments/ticktick/logs')
  await page.getByText('Following').waitFor()
  const line = page.getByText('signed in as ana.lindqvist, 6 lists')
  await line.waitFor()
  feeds[0]?.end()
  await expect.poll(() => feeds.length, { timeout: 20_000 }).toBe(2)
  await page.getByText('Following').waitFor()
  expect(await line.count()).toBe(1)
})

test("a deleted deployment's room is left", async () => {
  await visit('/deployments/ticktick')
  // The room is there before its feed is open.
  await expect.poll(() => feeds.length, { timeout: 20_000 }).toBe(1)
  feeds[0]?.send('deleted', { id: ticktick.id })
  await page.getByText('TickTick is deleted').waitFor()
  expect(await appears(page.getByRole('heading', { name: 'Deployments' }))).toBe(true)
})

test('how clients share processes is chosen, and what was refused stays as it was', async () => {
  const asked: unknown[] = []
  answers = {
    changeSettings({ body }) {
      const change = schemas.ChangeEndpointSettings.parse(body)
      asked.push(body)
      if (change.processes === 'shared') throw new CatwalkError('forbidden', 'Viewers change nothing.')
      return { ...settings, processes: change.processes ?? settings.processes }
    },
  }
  await visit('/deployments/ticktick/settings')
  const choice = (name: RegExp) => page.getByRole('group', { name: 'Processes' }).getByRole('radio', { name })
  expect(await choice(/Shared where that is safe/).isChecked()).toBe(true)
  await choice(/One for each session/).click()
  await page.getByText('How its processes are shared is changed').waitFor()
  expect(await choice(/One for each session/).isChecked()).toBe(true)
  await choice(/One for all/).click()
  await page.getByText('Viewers change nothing.').waitFor()
  expect(await choice(/One for each session/).isChecked()).toBe(true)
  expect(asked).toEqual([{ processes: 'per-session' }, { processes: 'shared' }])
})

test('what a server says is shown as text: no markup, no script, no other scheme', async () => {
  answers = {
    callTool: () => ({
      ...callResult,
      content: [
        { type: 'text', text: '<img src=x onerror="document.title=1"><b>bold</b>' },
        { type: 'resource_link', uri: 'javascript:alert(1)', name: 'A link' },
        { type: 'image', mimeType: 'image/svg+xml', data: 'PHN2Zz4=' },
      ],
    }),
  }
  await visit('/deployments/ticktick/tools')
  await button('Call tool').click()
  await page.getByText('<b>bold</b>').waitFor()
  const outcome = page.locator('.res')
  expect(
    await outcome
      .locator('a, img, b')
      .filter({ hasNotText: /^[\d"]|true|false/ })
      .count(),
  ).toBe(0)
  expect(watched.problems).toEqual([])
})

test('what a viewer may not do is refused with its code, and the page goes on', async () => {
  answers = {
    getMe: () => ({ ...me, role: 'viewer' }),
    restartDeployment: () => {
      throw new CatwalkError('forbidden', 'A viewer cannot restart a deployment.')
    },
  }
  await visit('/deployments/ticktick')
  await button('Restart').click()
  await page.getByText('A viewer cannot restart a deployment.').waitFor()
  expect(await appears(page.getByText('req_fake'))).toBe(true)
})
