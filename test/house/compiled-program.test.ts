import { mkdir, rm, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { isCompiled, programArgs } from '../../bin/node.mjs'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const MAIN = 'dist/program/main.js'
const BUILT = new Date('2026-01-01T00:00:00.000Z')
const BEFORE = new Date('2025-12-31T00:00:00Z')
const AFTER = new Date('2026-01-01T00:00:00.004Z')

async function write(root: string, file: string, time: Date): Promise<void> {
  const path = join(root, file)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, '')
  await utimes(path, time, time)
}

/** A project that was compiled after everything else was written. */
async function project(root: string): Promise<void> {
  for (const file of ['package-lock.json', 'src/main.ts', 'src/room/a.ts']) await write(root, file, BEFORE)
  for (const folder of ['src', 'src/room']) await utimes(join(root, folder), BEFORE, BEFORE)
  await write(root, MAIN, BUILT)
}

const words = ['bridge', '--port', '0']
const compiled = (root: string) => ['--max-semi-space-size=2', join(root, MAIN), ...words]
const sources = (root: string) => ['--max-semi-space-size=2', join(root, 'src/main.ts'), ...words]

test('what runs for long is run compiled, other commands from the sources', async () => {
  await using directory = await temporaryDirectory()
  const root = directory.path
  await project(root)
  expect(programArgs(root, words)).toEqual(compiled(root))
  expect(programArgs(root, ['serve'])).toEqual(['--max-semi-space-size=4', join(root, MAIN), 'serve'])
  expect(programArgs(root, ['ls'])).toEqual([join(root, 'src/main.ts'), 'ls'])
})

test.each<[string, (root: string) => Promise<unknown>]>([
  ['a changed source', (root) => write(root, 'src/room/a.ts', AFTER)],
  ['a new source', (root) => write(root, 'src/room/b.ts', BEFORE)],
  ['a source that is gone', (root) => rm(join(root, 'src/room/a.ts'))],
  ['a changed lock file', (root) => write(root, 'package-lock.json', AFTER)],
  ['no compilation', (root) => rm(join(root, MAIN))],
])('%s: the sources are run', async (_, change) => {
  await using directory = await temporaryDirectory()
  const root = directory.path
  await project(root)
  expect(isCompiled(root)).toBe(true)
  await change(root)
  expect(isCompiled(root)).toBe(false)
  expect(programArgs(root, words)).toEqual(sources(root))
})
