import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ApiClient } from '../../src/contract/index.ts'
import { launchBrowser } from '../browser/support/browser.ts'
import { openPage } from '../browser/support/page.ts'
import { startNpmRegistry, type NpmRegistry } from '../fakes/npm-registry.ts'
import { connectClient } from '../support/mcp-client.ts'
import { apiOf, startProgram, type Program } from '../support/program.ts'
import { until } from '../support/until.ts'
import { runCatwalk } from '../program/run-catwalk.ts'
import { FAILS_PROBE, shifty } from './shifty-package.ts'

const owned = new AsyncDisposableStack()
let registry: NpmRegistry
let program: Program
let page: Page
let api: ApiClient

beforeAll(async () => {
  registry = owned.use(await startNpmRegistry([shifty('1.0.0', { description: 'Reads.' })]))
  const dataDir = await mkdtemp(join(tmpdir(), 'catwalk-updates-'))
  owned.defer(() => rm(dataDir, { recursive: true, force: true }))
  await chmod(dataDir, 0o755)
  program = owned.use(
    await startProgram({
      dataDir,
      env: { npm_config_registry: registry.url, npm_config_userconfig: '/nonexistent' },
    }),
  )
  api = await apiOf(program)
  const browser = await launchBrowser()
  owned.defer(() => browser.close())
  const watched = owned.use(await openPage(browser, { theme: 'light', width: 1440 }))
  page = watched.page
  page.setDefaultTimeout(60_000)
  await page.goto(program.setUpLink ?? '')
  await page.getByLabel('Name').fill('Ana')
  await page.getByLabel('Email').fill('ana@example.com')
  await page.getByLabel('Password', { exact: true }).fill('a long enough password')
  await button('Make the account').click()
  await page.getByRole('heading', { name: 'Paste a link, get an endpoint' }).waitFor()
})
afterAll(() => owned.disposeAsync())

const button = (name: string | RegExp) => page.getByRole('button', { name, exact: true })
const tab = (name: string) =>
  page.getByRole('navigation', { name: 'Deployment' }).getByRole('link', { name: new RegExp(`^${name}`) })

let params = { id: '' }
let slug = ''
let token = ''

const serves = async (number: number) =>
  until(
    `v${number} serves`,
    async () => {
      const { liveRelease, state } = await api.call('getDeployment', { params })
      return liveRelease === number && state === 'running' ? true : null
    },
    60_000,
  )
const connect = async () => connectClient(`${program.origin}/mcp/${slug}`, token)
const versionSeen = async () => {
  await using client = await connect()
  await client.callTool({ name: 'read' })
  return client.getServerVersion()?.version
}
const catwalk = async (...args: string[]) => {
  const { exitCode, stdout, stderr } = await runCatwalk(program, args)
  return { exitCode, told: stdout + stderr }
}

test('in the dashboard an update is looked for, seen with what it changes, installed and taken back', async () => {
  const made = await api.call('createDeployment', {
    body: { source: 'npm:shifty-mcp@1.0.0', network: 'none', name: 'Shifty', confirmWarnings: true },
  })
  params = { id: made.deployment.id }
  slug = made.deployment.slug
  token = made.token.secret
  await serves(1)
  registry.publish(shifty('1.0.1', { description: 'Reads it well.' }))

  await page.goto(`${program.origin}/deployments/${slug}/releases`)
  await button('Look now').click()
  await page.getByRole('heading', { name: 'Version 1.0.1 is available' }).waitFor()
  const differs = page.getByRole('list', { name: 'What differs in read' })
  await differs.getByText('− Reads.').waitFor()
  await differs.getByText('+ Reads it well.').waitFor()
  await button('Skip this version').click()
  await page.getByText('Version 1.0.1 is available and skipped.').waitFor()
  await button('Show it again').click()
  await button('Update to 1.0.1').click()
  await serves(2)
  expect(await versionSeen()).toBe('1.0.1')

  await button('Go back to v1').click()
  await button('Go back').click()
  await serves(3)
  expect(await versionSeen()).toBe('1.0.0')
})

test('a tool that a new version adds is shown before it is installed, with the release that brought it and among the tools', async () => {
  registry.publish(shifty('1.1.0', { description: 'Reads.', more: ['extra'] }))
  await button('Look now').click()
  await page.getByRole('heading', { name: 'Version 1.1.0 is available' }).waitFor()
  await page.getByText('Added: Tool extra: More.').waitFor()
  await button('Update to 1.1.0').click()
  await serves(4)
  const card = page.getByRole('region', { name: 'v4', exact: true })
  await card.getByText('What changed since v3').click()
  await card.getByText('Added: Tool extra').waitFor()
  expect(await catwalk('diff', slug)).toMatchObject({
    exitCode: 0,
    told: expect.stringContaining('+ tool extra'),
  })
  await tab('Tools').click()
  await page.getByRole('switch', { name: 'extra' }).waitFor()
})

test('of a new version that fails its probe dashboard and command line say why, and that the former one serves on', async () => {
  registry.publish(shifty('1.2.0', { description: 'Reads.', begin: FAILS_PROBE }))
  const tried = await catwalk('release', slug, '--pin', '1.2.0')
  expect(tried.exitCode).toBe(6)
  expect(tried.told).toContain('no list today')
  const listed = (await catwalk('releases', slug)).told.split('\n')
  expect(listed.find((line) => line.startsWith('v5'))).toMatch(/failed.*-.*server_exited/)
  expect(listed.find((line) => line.startsWith('v4'))).toMatch(/live.*yes/)

  await page.getByText('Release v5 did not start').waitFor()
  await page.getByText('v4 goes on serving.').waitFor()
  await page.getByRole('link', { name: 'What happened' }).click()
  const card = page.getByRole('region', { name: 'v5', exact: true })
  await card.getByText('Failed', { exact: true }).waitFor()
  await card.getByText('Last output').click()
  await card.getByText('no list today').waitFor()
  await page.getByRole('region', { name: 'v4', exact: true }).getByText('Serves the endpoint').waitFor()
  await tab('Overview').click()
  await page.locator('.card', { hasText: 'Offers' }).getByText('1.1.0', { exact: true }).waitFor()
  expect(await versionSeen()).toBe('1.1.0')
})

test('a tool is switched, and one that changed without a release is kept blocked and accepted, in the dashboard and by the command line', async () => {
  await tab('Tools').click()
  await using client = await connect()
  const names = async () => (await client.listTools()).tools.map(({ name }) => name).join()
  const lists = (wanted: string) =>
    until(`clients see ${wanted}`, async () => ((await names()) === wanted ? true : null))
  await page.getByRole('switch', { name: 'read' }).click()
  await lists('turn,extra')
  await page.getByRole('switch', { name: 'read' }).click()
  await lists('read,turn,extra')

  await client.callTool({ name: 'turn', arguments: { aloud: true } })
  const changed = page.getByRole('region', { name: 'The running server changed read without a new release' })
  await changed.getByText('+ Reads, and sends it away.').waitFor()
  await lists('turn,extra')
  await changed.getByRole('button', { name: 'Keep blocked' }).click()
  await changed.getByRole('button', { name: 'Keep blocked' }).waitFor({ state: 'detached' })
  await lists('turn,extra')
  await changed.getByRole('button', { name: 'Accept' }).click()
  await changed.waitFor({ state: 'detached' })
  await lists('read,turn,extra')

  await client.callTool({ name: 'turn', arguments: { aloud: true, to: 'Reads all.' } })
  await changed.waitFor()
  const review = await catwalk('tools', 'review', slug)
  expect(review.told).toContain('+ Reads all.')
  const kept = await catwalk('tools', 'keep-blocked', slug, 'read')
  expect(kept.told).toMatch(/read\s+-\s+blocked\n/)
  await lists('turn,extra')
  const accepted = await catwalk('tools', 'accept', slug, 'read')
  expect(accepted.told).toMatch(/read\s+read\s+enabled/)
  await lists('read,turn,extra')
})
