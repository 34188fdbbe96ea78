import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { launchBrowser } from './support/browser.ts'
import { buildDashboard, startDashboard, type Dashboard } from './support/dashboard.ts'
import { accessibilityProblems, openPage, overflow, type Look, type WatchedPage } from './support/page.ts'
import { hostileHouse, HOSTILE, wasObeyed } from './support/hostile.ts'
import { fakeHouse, scenes, type Handlers } from './support/scenes.ts'

// Between them both themes and both layouts.
const LOOKS: readonly Look[] = [
  { theme: 'dark', width: 1440 },
  { theme: 'light', width: 390 },
]

const owned = new AsyncDisposableStack()
let browser: Browser
let dashboard: Dashboard
let answers: Handlers = {}
const windows: WatchedPage[] = []

beforeAll(async () => {
  const built = owned.use(await temporaryDirectory())
  await buildDashboard(built.path)
  dashboard = owned.use(
    await startDashboard(
      built.path,
      fakeHouse(() => answers),
    ),
  )
  browser = await launchBrowser()
  owned.defer(() => browser.close())
  for (const look of LOOKS) windows.push(owned.use(await openPage(browser, look)))
})
afterAll(() => owned.disposeAsync())

describe.each(scenes)('the room $name', (scene) => {
  test('is drawn without errors, fits its window and is accessible in both themes', async () => {
    answers = scene.answers ?? {}
    await Promise.all(
      windows.map(async ({ page, problems }) => {
        // A page of its own, and not a change of the fragment in the page before.
        await page.goto('about:blank')
        problems.length = 0
        await page.goto(dashboard.origin + scene.path)
        await page.getByText(scene.ready).first().waitFor()
        await scene.act?.(page)
        expect(await page.title()).toMatch(/ · Catwalk$/)
        expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1)
        expect(await overflow(page), 'pixels too wide').toBe(0)
        expect(await accessibilityProblems(page)).toEqual([])
        expect(problems).toEqual([])
      }),
    )
  })
})

// Rooms that show what servers, callers and members wrote.
const SHOWN = new Set([
  'review',
  'deployments',
  'deploying',
  'failed',
  'overview',
  'tools',
  'logs',
  'usage',
  'releases',
  'access',
  'collections',
  'collection',
  'members',
  'api-keys',
  'audit',
  'calls',
  'doctor',
])

describe('what a stranger would have won by markup in names, descriptions, logs and READMEs (stored XSS)', () => {
  test.each(scenes.filter(({ name }) => SHOWN.has(name)))(
    'nothing in the room $name: it is shown as text, no script runs and nothing is asked for',
    async (scene) => {
      answers = hostileHouse(scene.answers ?? {})
      const [{ page, problems } = await openPage(browser, { theme: 'dark', width: 1440 })] = windows
      const asked: string[] = []
      const note = (request: { url: () => string }) => void asked.push(request.url())
      await page.goto('about:blank')
      problems.length = 0
      page.on('request', note)
      await page.goto(dashboard.origin + scene.path)
      await page.getByText(HOSTILE).first().waitFor()
      page.off('request', note)
      expect(asked.filter((url) => !url.startsWith(dashboard.origin) || url.includes('pwned'))).toEqual([])
      expect(await wasObeyed(page)).toEqual([])
      // A violation of the content security policy would be told here: then only the policy had helped.
      expect(problems).toEqual([])
    },
  )
})
