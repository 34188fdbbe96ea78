import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startProgram, type Program } from '../support/program.ts'
import { launchBrowser } from './support/browser.ts'
import { accessibilityProblems, appears, openPage, type WatchedPage } from './support/page.ts'

const DEPLOY_TIMEOUT_MS = 150_000
const owner = { name: 'Ana Lindqvist', email: 'ana@example.com', password: 'a long enough password' }

const owned = new AsyncDisposableStack()
let browser: Browser
let program: Program
let watched: WatchedPage
let page: Page

beforeAll(async () => {
  program = owned.use(await startProgram())
  browser = await launchBrowser()
  owned.defer(() => browser.close())
  watched = owned.use(await openPage(browser, { theme: 'dark', width: 1440 }))
  page = watched.page
})
afterAll(() => owned.disposeAsync())

const button = (name: string | RegExp) => page.getByRole('button', { name, exact: true })
const tab = (name: string) =>
  page.getByRole('navigation', { name: 'Deployment' }).getByRole('link', { name: new RegExp(`^${name}`) })

test('a stranger is told to open the set-up link, wherever they enter', async () => {
  await page.goto(`${program.origin}/deployments`)
  expect(await appears(page.getByText('Open the set-up link printed in the terminal'))).toBe(true)
})

test('a set-up link that is not right is refused with its code and the fix, and the form keeps its values', async () => {
  await page.goto(`${program.origin}/setup#token=not-the-token`)
  await fillOwner()
  await button('Make the account').click()
  const alert = page.getByRole('alert')
  await alert.getByText('setup_link_invalid').waitFor()
  await alert.getByText('bin/catwalk setup-link').waitFor()
  expect(await page.getByLabel('Email').inputValue()).toBe(owner.email)
})

test('the set-up link makes the owner account and leaves no trace of its token', async () => {
  await page.goto('about:blank')
  await page.goto(program.setUpLink ?? '')
  await fillOwner()
  expect(page.url()).toBe(`${program.origin}/setup`)
  await button('Make the account').click()
  await page.getByRole('heading', { name: 'Paste a link, get an endpoint' }).waitFor()
})

test.each([
  ['npm:@evil/pkg; curl x', 'invalid_package'],
  ['npm:no-such-package-d41d8cd98f00b204', 'package_not_found'],
  ['npm:@modelcontextprotocol/server-everything@0.0.999', 'version_not_found'],
])('%s is refused with its code, its message and the fix', async (source, code) => {
  await page.getByLabel('Source').fill(source)
  await button('Look inside').click()
  const alert = page.getByRole('alert')
  await alert.getByText(code).waitFor()
  expect((await alert.innerText()).split('\n').filter(Boolean).length).toBeGreaterThanOrEqual(3)
  expect(await page.getByLabel('Source').inputValue()).toBe(source)
  const about = alert.getByRole('link', { name: new RegExp(code) })
  expect(await about.getAttribute('href')).toBe(`/docs/troubleshooting#${code.replaceAll('_', '-')}`)
})

test(
  'an example goes from the field to a running endpoint, with its token shown once',
  async () => {
    await page.getByRole('button', { name: /^Everything/ }).click()
    await button('Look inside').click()
    await page.getByRole('heading', { name: 'How it runs' }).waitFor()
    await page.getByLabel('Endpoint').fill('journey')
    await button('Deploy').click()

    await page.getByRole('heading', { name: /^Deploying/ }).waitFor()
    await page.getByText('Installing', { exact: true }).waitFor()
    await page
      .getByText(/Resolving|Installing @/)
      .first()
      .waitFor()

    await page.getByRole('heading', { name: 'Your endpoint token' }).waitFor({ timeout: DEPLOY_TIMEOUT_MS })
    await page.getByText('Running', { exact: true }).waitFor()
    await page.getByText(`${program.origin}/mcp/journey`, { exact: true }).waitFor()
    const token = (await page.getByTestId('fresh-token').innerText()).trim()
    const line = page.getByRole('group', { name: 'the line for Claude Code' })
    expect(await line.innerText()).toContain(`Bearer ${token}`)
    expect(await accessibilityProblems(page)).toEqual([])

    await button('I have saved it').click()
    expect(await page.content()).not.toContain(token)
    expect(await line.innerText()).toContain('YOUR_TOKEN')
  },
  DEPLOY_TIMEOUT_MS + 30_000,
)

test('a tool is called from the dashboard', async () => {
  await tab('Tools').click()
  await button(/^echo/).click()
  await page.getByRole('textbox', { name: /^message/ }).fill('hello from the dashboard')
  await button('Call tool').click()
  expect(await appears(page.getByText('Echo: hello from the dashboard'))).toBe(true)
})

test('the log tells what was printed, and is narrowed by a search', async () => {
  await tab('Logs').click()
  const log = page.getByRole('list', { name: 'Log' })
  await log.getByText('Starting default (STDIO) server').waitFor()
  await page.getByLabel('Search the log').fill('nothing is like this')
  expect(await appears(page.getByText('No line is like this.'))).toBe(true)
})

test('a token is added, shown once, and revoked', async () => {
  await tab('Access').click()
  await button('Add a token').click()
  await page.getByRole('textbox', { name: 'Name' }).fill('laptop')
  await button('Make the token').click()
  await button('I have saved it').click()
  await button('Revoke laptop').click()
  await button('Revoke').click()
  expect(await appears(page.getByText('laptop is revoked'))).toBe(true)
  await button('Revoke laptop').waitFor({ state: 'detached' })
})

test('it is stopped, and calls are refused until it is started again', async () => {
  await tab('Settings').click()
  await button('Stop').click()
  await page.getByText('Stopped', { exact: true }).waitFor()
  await tab('Tools').click()
  await page.getByText('Start the deployment first.').waitFor()
  await button('Start').click()
  expect(await appears(page.getByText('Running', { exact: true }))).toBe(true)
})

test('who signed out is led to the door, and back to where they were', async () => {
  await page.goto(`${program.origin}/deployments/journey/releases`)
  await page.getByRole('button', { name: new RegExp(owner.name) }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()

  await page.goto(`${program.origin}/deployments/journey/releases`)
  await page.getByLabel('Email').fill(owner.email)
  await page.getByLabel('Password', { exact: true }).fill('not the password')
  await button('Sign in').click()
  await page.getByRole('alert').getByText('invalid_credentials').waitFor()
  await page.getByLabel('Password', { exact: true }).fill(owner.password)
  await button('Sign in').click()
  expect(await appears(page.getByText('Serves the endpoint'))).toBe(true)
})

test('it is deleted only after its name was typed, and is then gone', async () => {
  await tab('Settings').click()
  await button('Delete').click()
  const confirm = button('Delete for good')
  expect(await confirm.getAttribute('aria-disabled')).toBe('true')
  await page.getByLabel(/to confirm$/).fill('journey')
  await confirm.click()
  expect(await appears(page.getByText('Nothing deployed yet'))).toBe(true)
})

test('the browser had nothing to complain about on the whole way', () => {
  expect(watched.problems).toEqual([])
})

async function fillOwner(): Promise<void> {
  await page.getByLabel('Name').fill(owner.name)
  await page.getByLabel('Email').fill(owner.email)
  await page.getByLabel('Password', { exact: true }).fill(owner.password)
}
