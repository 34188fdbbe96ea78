import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { codeOf, nextCodeOf } from '../auth/authenticator-app.ts'
import { startProgram, type Program } from '../support/program.ts'
import { launchBrowser } from './support/browser.ts'
import { accessibilityProblems, appears, openPage, overflow, type WatchedPage } from './support/page.ts'

const owner = { name: 'Ana Lindqvist', email: 'ana@example.com', password: 'a long enough password' }

const owned = new AsyncDisposableStack()
let browser: Browser
let program: Program
let watched: WatchedPage
let page: Page
let recoveryCode = ''
let secondRecoveryCode = ''
let thirdRecoveryCode = ''

beforeAll(async () => {
  program = owned.use(await startProgram())
  browser = await launchBrowser()
  owned.defer(() => browser.close())
  watched = owned.use(await openPage(browser, { theme: 'light', width: 390 }))
  page = watched.page
  await page.goto(program.setUpLink ?? '')
  await page.getByLabel('Name').fill(owner.name)
  await page.getByLabel('Email').fill(owner.email)
  await page.getByLabel('Password', { exact: true }).fill(owner.password)
  await button('Make the account').click()
  await page.getByRole('heading', { name: 'Paste a link, get an endpoint' }).waitFor()
})
afterAll(() => owned.disposeAsync())

const button = (name: string) => page.getByRole('button', { name, exact: true })
const visit = (path: string) => page.goto(program.origin + path)

/** As when the browser was closed for a month. */
async function forgetSession(): Promise<void> {
  await page.context().clearCookies()
  await visit('/account')
  await page.getByRole('heading', { name: 'Sign in', exact: true }).waitFor()
}

async function enterPassword(): Promise<void> {
  await page.getByLabel('Email').fill(owner.email)
  await page.getByLabel('Password', { exact: true }).fill(owner.password)
  await button('Sign in').click()
}

const isInside = () => page.getByRole('heading', { name: 'Account', exact: true }).waitFor()

test('one-time codes are set up with any app, and signing in asks for them', async () => {
  await visit('/account')
  await button('Set up one-time codes').click()
  await page.getByLabel('Your current password').fill(owner.password)
  await button('Go on').click()
  await page.getByRole('img', { name: 'QR code for an authenticator app' }).waitFor()
  const secret = (await page.getByRole('group', { name: 'the secret' }).innerText()).trim()
  await page.getByLabel('Code that the app shows').fill(codeOf(secret))
  await button('Turn on').click()
  const codes = await page.getByRole('group', { name: 'the recovery codes' }).innerText()
  ;[recoveryCode = '', secondRecoveryCode = '', thirdRecoveryCode = ''] = codes.trim().split('\n')
  await button('I have saved them').click()
  await forgetSession()
  await enterPassword()
  await page.getByLabel('Code', { exact: true }).fill(nextCodeOf(secret))
  await page.keyboard.press('Enter')
  await isInside()
  expect(await overflow(page)).toBe(0)
  expect(await accessibilityProblems(page)).toEqual([])
})

test('a recovery code takes the place of the app', async () => {
  await forgetSession()
  await enterPassword()
  await page.getByLabel('Code', { exact: true }).fill(recoveryCode)
  await button('Sign in').click()
  await isInside()
  expect(await appears(page.getByText('9 of your recovery codes are left'))).toBe(true)
})

test('a passkey is added and signs in without password and code', async () => {
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('WebAuthn.enable')
  await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  await button('Add a passkey').click()
  await page.getByLabel('Name', { exact: true }).fill('laptop')
  await page.getByLabel('Your current password').fill(owner.password)
  await button('Go on').click()
  await button('Remove laptop').waitFor()
  await forgetSession()
  await button('Sign in with a passkey').click()
  await isInside()
  await button('Remove laptop').click()
  await button('Remove laptop').waitFor({ state: 'detached' })
  await forgetSession()
  await button('Sign in with a passkey').click()
  await page.getByRole('alert').getByText('passkey_refused').waitFor()
  expect(watched.problems).toEqual([])
})

test('an API key that is held to one scope in its dialog does that and nothing else', async () => {
  await forgetSession()
  await enterPassword()
  await page.getByLabel('Code', { exact: true }).fill(secondRecoveryCode)
  await button('Sign in').click()
  await isInside()
  await visit('/keys')
  await button('Make a key').click()
  await page.getByLabel('Name', { exact: true }).fill('nightly')
  await page.getByText('Only some things').click()
  expect(await button('Make the key').isDisabled()).toBe(true)
  await page.getByLabel('deployments:read', { exact: true }).check()
  await button('Make the key').click()
  const key = (await page.getByTestId('fresh-token').innerText()).trim()
  await button('I have saved it').click()
  // On a narrow window like this one the list has no room for it.
  await page.getByText('deployments:read').waitFor({ state: 'attached' })
  const ask = (path: string) =>
    fetch(`${program.origin}/api/v1${path}`, { headers: { authorization: `Bearer ${key}` } })
  expect((await ask('/deployments')).status).toBe(200)
  const refused = await ask('/audit')
  expect(refused.status).toBe(403)
  expect(await refused.text()).toContain('needs the scope audit:read')
})

test('the sessions are listed, and one that is ended there is signed out', async () => {
  const elsewhere = owned.use(await openPage(browser, { theme: 'dark', width: 1440 }))
  // What another browser has: the cookie of this one, as if it had signed in before.
  await elsewhere.page.context().addCookies(await page.context().cookies())
  await forgetSession()
  await enterPassword()
  await page.getByLabel('Code', { exact: true }).fill(thirdRecoveryCode)
  await button('Sign in').click()
  await isInside()
  await elsewhere.page.goto(`${program.origin}/account`)
  await elsewhere.page.getByText('This browser').waitFor()
  expect(await page.getByText('This browser').count()).toBe(1)
  const ends = page.getByRole('button', { name: /^End it/ })
  while ((await ends.count()) > 0) {
    const before = await ends.count()
    await ends.first().click()
    await expect.poll(() => ends.count()).toBe(before - 1)
  }
  await elsewhere.page.goto(`${program.origin}/account`)
  await elsewhere.page.getByRole('heading', { name: 'Sign in', exact: true }).waitFor()
  await visit('/account')
  await isInside()
  expect(watched.problems).toEqual([])
})
