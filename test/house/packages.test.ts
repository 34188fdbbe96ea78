import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { explain, isInstalled } from '../../scripts/lib/packages.mjs'

let project: string

beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), 'catwalk-packages-'))
  await mkdir(join(project, 'node_modules'))
})

afterEach(() => rm(project, { recursive: true }))

const lock = (packages: Record<string, object>) => JSON.stringify({ packages: { '': {}, ...packages } })
const writeLock = (packages: Record<string, object>) =>
  writeFile(join(project, 'package-lock.json'), lock(packages))
const writeRecord = (packages: Record<string, object>) =>
  writeFile(join(project, 'node_modules', '.package-lock.json'), lock(packages))

const a = { version: '1.0.0', integrity: 'sha512-a' }
const forOtherPlatform = { version: '2.0.0', integrity: 'sha512-b', optional: true }

test("packages count as installed when npm's own record agrees with the lock file", async () => {
  await writeLock({ 'node_modules/a': a, 'node_modules/b': forOtherPlatform })
  await writeRecord({ 'node_modules/a': a, 'node_modules/left-over': a })
  expect(isInstalled(project)).toBe(true)
})

test('an install that was interrupted does not count: npm writes its record last', async () => {
  await writeLock({ 'node_modules/a': a })
  expect(isInstalled(project)).toBe(false)
})

test.for([
  ['another version', { ...a, version: '1.0.1' }],
  ['other contents under the same version', { ...a, integrity: 'sha512-x' }],
] as const)('%s in the lock file asks for a new install', async ([, wanted]) => {
  await writeLock({ 'node_modules/a': wanted })
  await writeRecord({ 'node_modules/a': a })
  expect(isInstalled(project)).toBe(false)
})

test('a package that the lock file gained asks for a new install', async () => {
  await writeLock({ 'node_modules/a': a, 'node_modules/c': a })
  await writeRecord({ 'node_modules/a': a })
  expect(isInstalled(project)).toBe(false)
})

test.for([
  ['npm error code ENOTFOUND\nnpm error network request failed', 'registry cannot be reached'],
  ['npm ERR! code EAI_AGAIN', 'registry cannot be reached'],
  ['npm error code ENOSPC', 'disk is full'],
  ['npm error code EACCES\nnpm error path /x', 'may not write here'],
  ['npm error code EINTEGRITY\nnpm error sha512 differs', 'EINTEGRITY'],
] as const)('what npm said is explained: %s', ([output, explanation]) => {
  expect(explain(output)).toContain(explanation)
})
