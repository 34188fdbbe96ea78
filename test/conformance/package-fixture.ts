import { fileURLToPath } from 'node:url'
import type { FakePackage } from '../fakes/npm-registry.ts'
import { bundledPackage } from '../support/bundle.ts'
import type { Fixture } from './vocabulary.ts'

export const packageName = (fixture: Fixture): string => `conformance-${fixture}-mcp`

export const fixturePath = (fixture: Fixture): string =>
  fileURLToPath(new URL(`fixtures/${fixture}-server.ts`, import.meta.url))

export const packageFixture = (fixture: Fixture): Promise<FakePackage> =>
  bundledPackage(packageName(fixture), fixturePath(fixture))
