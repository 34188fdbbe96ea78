import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FakePackage } from '../fakes/npm-registry.ts'
import { bundledPackage } from '../support/bundle.ts'
import type { Fixture } from './vocabulary.ts'

export const packageName = (fixture: Fixture): string => `conformance-${fixture}-mcp`

export const fixturePath = (fixture: Fixture): string =>
  fileURLToPath(new URL(`fixtures/${fixture}-server.ts`, import.meta.url))

/**
 * Writes the program of a fixture into a directory as one file, which starts in a fraction of the time that its sources
 * take: the suite waits 600 ms for what a server says, and a process that a call gets to itself is started meanwhile.
 */
export async function bundleFixture(fixture: Fixture, directory: string): Promise<string> {
  const { files } = await packageFixture(fixture)
  const path = join(directory, `${fixture}-server.mjs`)
  await writeFile(path, files?.['server.js'] ?? '')
  return path
}

export const packageFixture = (fixture: Fixture): Promise<FakePackage> =>
  bundledPackage(packageName(fixture), fixturePath(fixture))
