import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { generateConfigurationPage } from '../../scripts/lib/configuration-page.ts'
import { errorSections, generateTroubleshootingPage } from '../../scripts/lib/troubleshooting-page.ts'
import { settings } from '../../src/config/index.ts'
import { renderMarkdown } from '../../src/api/docs-pages.ts'
import { docsPath, ERROR_CODES } from '../../src/domain/index.ts'

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8')

test('the pages made from settings and errors are up to date', async () => {
  expect(await generateConfigurationPage({ check: true })).toBe(true)
  expect(await generateTroubleshootingPage({ check: true })).toBe(true)
})

test('every error code has its section under the anchor that the program links to', () => {
  const page = renderMarkdown(errorSections())
  for (const code of ERROR_CODES) expect(page).toContain(`id="${docsPath(code).split('#')[1]}"`)
})

test('every setting is in the documentation', async () => {
  const page = await read('docs/configuration.md')
  for (const { name } of settings) expect(page).toContain(`\`${name}\``)
})

test('AGENTS.md stays short enough to be read', async () => {
  expect((await read('AGENTS.md')).split('\n').length).toBeLessThan(120)
})
