import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CatwalkError } from '../../src/domain/index.ts'
import type { RouteOutput } from '../../src/contract/index.ts'
import { startFakeApi } from '../fakes/api.ts'
import { aDeployingDeployment, aToken } from '../fakes/api-data.ts'
import { run } from './run.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'catwalk-cli-'))
})
afterAll(() => rm(folder, { recursive: true }))

function aFile(secrets: RouteOutput<'exportDeployment'>['secrets'] = null): RouteOutput<'exportDeployment'> {
  return {
    format: 'catwalk-deployment',
    version: 1,
    exportedAt: '2026-01-01T00:00:00.000Z',
    name: 'Echo',
    slug: 'echo',
    source: 'npm:echo-mcp@1.0.0',
    launch: {
      package: {
        kind: 'npm',
        name: 'echo-mcp',
        version: '1.0.0',
        integrity: 'sha512-AAAA',
        executable: 'echo',
      },
      args: [],
      userArgs: [],
      values: [{ name: 'API_KEY', description: null, secret: true, default: null }],
    },
    run: { runtime: 'local', network: 'internet', allowScripts: false, memoryMiB: 256 },
    settings: {
      access: 'token',
      allowedOrigins: [],
      processes: 'auto',
      stateful: false,
      keepsData: false,
      alwaysOn: false,
      idleTimeoutS: null,
    },
    secrets,
  }
}

const SEALED = {
  kdf: { name: 'scrypt', n: 65_536, r: 8, p: 2, salt: 'AAAA' },
  cipher: 'aes-256-gcm',
  nonce: 'AAAA',
  data: 'AAAA',
} as const

const imported = () => ({ deployment: aDeployingDeployment(), token: aToken(), notes: ['It is elsewhere.'] })

test('export writes the file for its owner alone', async () => {
  await using api = await startFakeApi({ handlers: { exportDeployment: () => aFile() } })
  const out = join(folder, 'echo.json')
  const { code, stderr } = await run(api, ['export', 'echo', '--out', out])
  expect(code).toBe(0)
  expect(stderr).toContain('API_KEY')
  expect(JSON.parse(await readFile(out, 'utf8'))).toEqual(aFile())
  expect((await stat(out)).mode & 0o077).toBe(0)
})

test('secrets leave only under a passphrase, which comes from the environment, standard input or the terminal', async () => {
  await using api = await startFakeApi({ handlers: { exportWithSecrets: () => aFile(SEALED) } })
  const words = ['export', 'echo', '--with-secrets']
  const without = await run(api, words)
  expect(without.code).not.toBe(0)
  expect(without.stderr).toContain('CATWALK_PASSPHRASE')
  await run(api, words, { env: { CATWALK_PASSPHRASE: 'from the environment' } })
  await run(api, [...words, '--passphrase-stdin'], { stdin: 'from standard input\n' })
  await run(api, words, { terminal: true, answers: ['from the terminal', 'from the terminal'] })
  expect(api.requests.map(({ body }) => body)).toEqual([
    { passphrase: 'from the environment' },
    { passphrase: 'from standard input' },
    { passphrase: 'from the terminal' },
  ])
})

test('import sends the file with values and passphrase, and tells what is not as it was', async () => {
  await using api = await startFakeApi({ handlers: { importDeployment: imported } })
  const path = join(folder, 'sealed.json')
  await writeFile(path, JSON.stringify(aFile(SEALED)))
  const { code, stderr } = await run(
    api,
    ['import', path, '--no-wait', '--slug', 'mine', '--env', 'API_KEY=x', '--yes', '--passphrase-stdin'],
    { stdin: 'ten letters\n' },
  )
  expect(code).toBe(0)
  expect(stderr).toContain('It is elsewhere.')
  expect(api.requests.map(({ body }) => body)).toEqual([
    {
      file: aFile(SEALED),
      values: { API_KEY: 'x' },
      passphrase: 'ten letters',
      slug: 'mine',
      confirmWarnings: true,
    },
  ])
})

test('import asks on a terminal for what is missing', async () => {
  let asked = 0
  await using api = await startFakeApi({
    handlers: {
      importDeployment: () => {
        asked += 1
        if (asked > 1) return imported()
        throw new CatwalkError('missing_variable', 'It needs values.', { details: { missing: ['API_KEY'] } })
      },
    },
  })
  const path = join(folder, 'bare.json')
  await writeFile(path, JSON.stringify(aFile()))
  const { code } = await run(api, ['import', path, '--no-wait'], { terminal: true, answers: ['the value'] })
  expect(code).toBe(0)
  expect(api.requests[1]?.body).toMatchObject({ values: { API_KEY: 'the value' } })
})

test('import says what is wrong with a file that is none', async () => {
  await using api = await startFakeApi({ handlers: {} })
  const path = join(folder, 'broken.json')
  await writeFile(path, '[]')
  for (const name of [path, join(folder, 'nothing.json')]) {
    const { code, stderr } = await run(api, ['import', name])
    expect(code).not.toBe(0)
    expect(stderr).toContain('deployment_file_invalid')
  }
})
