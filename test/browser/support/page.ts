import axe from 'axe-core'
import type { Browser, Locator, Page } from 'playwright-core'

export interface WatchedPage extends AsyncDisposable {
  readonly page: Page
  /** Errors and warnings that the browser reported: exceptions, refusals by the content security policy, … */
  readonly problems: string[]
}

export interface Look {
  readonly theme: 'dark' | 'light'
  /** Of the window, in CSS pixels. */
  readonly width: number
}

/** A window of its own: no cookies, nothing remembered. */
export async function openPage(browser: Browser, { theme, width }: Look): Promise<WatchedPage> {
  const context = await browser.newContext({
    viewport: { width, height: 844 },
    colorScheme: theme,
    reducedMotion: 'reduce',
    hasTouch: width < 640,
  })
  const page = await context.newPage()
  // Less than a test may take, so that what is missing is named.
  page.setDefaultTimeout(15_000)
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(error.message))
  page.on('console', (message) => {
    const isOfInterest = message.type() === 'error' || message.type() === 'warning'
    // The browser's own note of an answer such as 401, which is what some tests are about.
    if (isOfInterest && !message.text().startsWith('Failed to load resource')) problems.push(message.text())
  })
  return { page, problems, [Symbol.asyncDispose]: () => context.close() }
}

/** How far the page is wider than its window, in pixels. */
export async function overflow(page: Page): Promise<number> {
  return page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth')
}

/** What axe finds against WCAG 2.2 A and AA, a line each. */
export async function accessibilityProblems(page: Page): Promise<readonly string[]> {
  // Evaluated and not added as a script, which the content security policy rightly refuses.
  await page.evaluate(axe.source)
  return page.evaluate<string[]>(`
    axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
      .then(({ violations }) => violations.flatMap(({ id, help, nodes }) =>
        nodes.map(({ target, failureSummary }) => id + ': ' + help + ' at ' + target.join(' ') + ' ' + failureSummary)))
  `)
}

/** Whether something is seen before the browser's patience ends. */
export async function appears(what: Locator): Promise<boolean> {
  return what.waitFor().then(
    () => true,
    () => false,
  )
}
