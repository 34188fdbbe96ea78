import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MODES } from '../clients/modes.ts'
import { SIMPLE_TEXT } from '../conformance/fixtures/content.ts'
import { packageName } from '../conformance/package-fixture.ts'
import { startWithFixtures } from '../conformance/through-endpoint.ts'
import type { Program } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { runCatwalk } from './run-catwalk.ts'

const stack = new AsyncDisposableStack()
let program: Program
let file: string

beforeAll(async () => {
  program = await startWithFixtures(['legacy'], stack)
  file = join(stack.use(await temporaryDirectory()).path, 'legacy.json')
})
afterAll(() => stack.disposeAsync())

const run = (...words: string[]) => runCatwalk(program, [...words, '--json'])

test('a deployment that was exported with its values runs again from the file alone', async () => {
  const source = `npm:${packageName('legacy')}`
  const deployed = await run('deploy', source, '--slug', 'first', '--env', 'API_KEY=sk-very-secret')
  expect(deployed.exitCode).toBe(0)
  process.env['CATWALK_PASSPHRASE'] = 'correct horse battery'
  try {
    expect((await run('export', 'first', '--out', file, '--with-secrets')).exitCode).toBe(0)
    expect(await readFile(file, 'utf8')).not.toContain('sk-very-secret')
    expect((await run('rm', 'first', '--yes', '--wait')).exitCode).toBe(0)
    const { exitCode, stdout } = await run('import', file)
    expect(exitCode).toBe(0)
    const { endpoint, token, slug } = JSON.parse(stdout) as Record<'endpoint' | 'token' | 'slug', string>
    expect(slug).toBe('first')
    const [mode] = MODES
    if (mode === undefined) throw new Error('There is no client.')
    await using client = await mode.connect(endpoint, false, { authorization: `Bearer ${token}` })
    expect(await client.call('test_simple_text')).toBe(SIMPLE_TEXT)
  } finally {
    delete process.env['CATWALK_PASSPHRASE']
  }
})

test('a file whose package is another one than the registry has is refused, and nothing is made', async () => {
  const document = JSON.parse(await readFile(file, 'utf8')) as { launch: { package: object }; secrets: null }
  const other = {
    ...document,
    secrets: null,
    launch: {
      ...document.launch,
      values: [],
      package: { ...document.launch.package, integrity: 'sha512-AAAA' },
    },
  }
  await writeFile(file, JSON.stringify(other))
  const { exitCode, stdout, stderr } = await run('import', file)
  expect(exitCode).not.toBe(0)
  expect(stdout + stderr).toContain('deployment_file_invalid')
  const list = JSON.parse((await run('ls')).stdout) as unknown[]
  expect(list).toHaveLength(1)
})
