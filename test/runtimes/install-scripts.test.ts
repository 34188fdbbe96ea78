import { access, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLocalRuntime, type LocalRuntimeUnderTest } from './local-runtime.ts'
import { releaseOf } from './release.ts'

const never = new AbortController().signal
let subject: LocalRuntimeUnderTest
beforeAll(async () => {
  subject = await startLocalRuntime()
})
afterAll(async () => {
  await subject[Symbol.asyncDispose]()
})

/** What the fixture's install script wrote down, or null when it did not run. */
async function seenByScript(allowScripts: boolean): Promise<Record<string, unknown> | null> {
  const before = new Set(await readdir(join(subject.dataDir, 'store')).catch(() => []))
  const release = releaseOf(subject.packageOf('fixture-scripts', 'fixture-scripts'), { allowScripts })
  await subject.runtime.prepare(release.prepare, never)
  const [entry] = (await readdir(join(subject.dataDir, 'store'))).filter((name) => !before.has(name))
  const file = join(subject.dataDir, 'store', entry ?? '', 'node_modules/fixture-scripts/seen.json')
  const text = await readFile(file, 'utf8').catch(() => null)
  // Written by the fixture.
  return text === null ? null : (JSON.parse(text) as Record<string, unknown>)
}

test('install scripts do not run unless they are allowed', async () => {
  expect(await seenByScript(false)).toBeNull()
})

test('an allowed install script sees neither the npm configuration nor the download cache', async () => {
  const seen = await seenByScript(true)
  expect(seen).toMatchObject({ configuration: false, cache: false })
  expect(JSON.stringify(seen?.['environment'])).not.toContain(subject.dataDir)
})

test('what an install script compiles is for the Node that runs it, whose headers nobody fetches', async () => {
  const seen = await seenByScript(true)
  expect(seen).toMatchObject({ runs: process.version, compilesFor: process.version })
})

test('an allowed install script writes nothing outside of its own installation', async () => {
  const seen = await seenByScript(true)
  // What it wrote to a home or an /etc of its own is gone with them; the host has none of it.
  for (const path of ['/usr/evil', '/opt/catwalk/evil', '/home/evil', '/etc/evil', '/var/evil', '/evil'])
    await expect(access(path)).rejects.toThrow('ENOENT')
  expect(seen?.['written']).not.toContain('/usr/evil')
  expect(seen?.['written']).not.toContain('../../../../evil')
})
