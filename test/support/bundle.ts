import { build } from 'vite'
import type { FakePackage } from '../fakes/npm-registry.ts'

/** A server program with its libraries in one file, as a package that needs no other. */
export async function bundledPackage(name: string, program: string): Promise<FakePackage> {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    build: {
      ssr: program,
      write: false,
      target: 'node24',
      rollupOptions: { output: { codeSplitting: false } },
    },
    ssr: { noExternal: true },
  })
  const [only] = [built].flat()
  const chunks = only !== undefined && 'output' in only ? only.output : []
  const [chunk] = chunks
  if (chunk?.type !== 'chunk' || chunks.length > 1) throw new Error(`${program} did not become one file`)
  const code = chunk.code.startsWith('#!') ? chunk.code : `#!/usr/bin/env node\n${chunk.code}`
  return {
    name,
    version: '1.0.0',
    manifest: { type: 'module', bin: 'server.js' },
    files: { 'server.js': code },
  }
}
