import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import type { FakePackage } from '../fakes/npm-registry.ts'
import type { Fixture } from './vocabulary.ts'

export const packageName = (fixture: Fixture): string => `conformance-${fixture}-mcp`

export const fixturePath = (fixture: Fixture): string =>
  fileURLToPath(new URL(`fixtures/${fixture}-server.ts`, import.meta.url))

/** A fixture with its libraries in one file, as a package that needs no other. */
export async function packageFixture(fixture: Fixture): Promise<FakePackage> {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    build: {
      ssr: fixturePath(fixture),
      write: false,
      target: 'node24',
      rollupOptions: { output: { codeSplitting: false } },
    },
    ssr: { noExternal: true },
  })
  const [only] = [built].flat()
  const chunks = only !== undefined && 'output' in only ? only.output : []
  const [chunk] = chunks
  if (chunk?.type !== 'chunk' || chunks.length > 1) throw new Error(`${fixture} did not become one file`)
  return {
    name: packageName(fixture),
    version: '1.0.0',
    manifest: { type: 'module', bin: 'server.js' },
    files: { 'server.js': `#!/usr/bin/env node\n${chunk.code}` },
  }
}
