import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startFakeApi, type FakeApi } from '../fakes/api.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { run, type Ran } from './run.ts'

const WORKSPACE = { id: 'ws_1', name: 'Home' }
const ME = {
  user: null,
  apiKey: { id: 'key_1', name: 'laptop', expiresAt: null },
  workspace: WORKSPACE,
  role: 'member' as const,
  isInstallationAdmin: false,
}
const handlers = {
  getMe: () => ME,
  listDeployments: () => ({ items: [] }),
  revokeApiKey: () => null,
}

interface Kept {
  readonly current: string | null
  readonly installations: Readonly<Record<string, { readonly keyId: string | null }>>
}

interface Desk extends AsyncDisposable {
  readonly file: string
  catwalk(words: readonly string[], options?: { stdin?: string; env?: Record<string, string> }): Promise<Ran>
  kept(): Promise<Kept>
}

/** A person's own configuration directory. */
async function desk(): Promise<Desk> {
  const home = await temporaryDirectory()
  const file = join(home.path, 'catwalk', 'logins.json')
  return {
    file,
    catwalk: (words, { stdin, env } = {}) =>
      run(null, words, {
        env: { XDG_CONFIG_HOME: home.path, ...env },
        ...(stdin === undefined ? {} : { stdin }),
      }),
    // What the program wrote.
    kept: async () => JSON.parse(await readFile(file, 'utf8')) as Kept,
    [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
  }
}

const paste = (at: Desk, api: FakeApi) =>
  at.catwalk(['login', api.origin, '--api-key-stdin'], { stdin: `${api.apiKey}\n` })

test('a pasted key is checked, kept for its owner alone, and used from then on', async () => {
  await using api = await startFakeApi({ handlers })
  await using at = await desk()
  const { code, stdout, stderr } = await paste(at, api)
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: `Logged in to ${api.origin} as the API key “laptop”.\n`,
  })
  expect(stdout + stderr).not.toContain(api.apiKey)
  expect((await stat(at.file)).mode & 0o777).toBe(0o600)
  expect((await stat(join(at.file, '..'))).mode & 0o777).toBe(0o700)
  expect((await at.catwalk(['ls'])).code).toBe(0)
})

test('a key that the server does not know is not kept', async () => {
  await using api = await startFakeApi({ handlers })
  await using at = await desk()
  const { code } = await at.catwalk(['login', api.origin, '--api-key-stdin'], { stdin: 'cwk_wrong' })
  expect(code).toBe(4)
  await expect(at.kept()).rejects.toMatchObject({ code: 'ENOENT' })
})

test('with several installations the last one logged in to is asked, and each can be named', async () => {
  await using first = await startFakeApi({ handlers })
  await using second = await startFakeApi({ handlers })
  await using at = await desk()
  await paste(at, first)
  await paste(at, second)
  const who = JSON.parse((await at.catwalk(['whoami', '--json'])).stdout) as Record<string, unknown>
  expect(who).toMatchObject({ origin: second.origin, keyFrom: 'login', otherLogins: [first.origin] })
  expect((await at.catwalk(['ls', '--url', first.origin])).code).toBe(0)
  expect(first.requests.at(-1)?.name).toBe('listDeployments')
})

test('CATWALK_URL and CATWALK_API_KEY win over a login', async () => {
  await using first = await startFakeApi({ handlers })
  await using second = await startFakeApi({ handlers })
  await using at = await desk()
  await paste(at, first)
  const env = { CATWALK_URL: second.origin, CATWALK_API_KEY: second.apiKey }
  const { stdout } = await at.catwalk(['whoami', '--json'], { env })
  expect(JSON.parse(stdout)).toMatchObject({ origin: second.origin, keyFrom: 'given' })
  expect((await at.catwalk(['ls'], { env: { CATWALK_API_KEY: 'wrong' } })).code).toBe(4)
})

test('the key of one installation is never sent to another', async () => {
  await using first = await startFakeApi({ handlers })
  await using second = await startFakeApi({ handlers })
  await using at = await desk()
  await paste(at, first)
  const { code, stderr } = await at.catwalk(['ls', '--url', second.origin])
  expect(code).toBe(4)
  expect(stderr).toContain(`bin/catwalk login ${second.origin}`)
  expect(second.requests).toEqual([])
})

test('logging out forgets a pasted key, and revokes it when told to', async () => {
  await using api = await startFakeApi({ handlers })
  await using at = await desk()
  await paste(at, api)
  expect((await at.catwalk(['logout'])).stdout).toContain('elsewhere it works on')
  expect(api.requests.map(({ name }) => name)).not.toContain('revokeApiKey')
  expect(await at.kept()).toEqual({ current: null, installations: {} })
  await paste(at, api)
  expect((await at.catwalk(['logout', '--revoke'])).stdout).toContain('revoked')
  expect(api.requests.at(-1)).toMatchObject({ name: 'revokeApiKey', params: { id: 'key_1' } })
})

test('logging out of a server that is away forgets the key and says that it may still be valid', async () => {
  await using at = await desk()
  const gone = await startFakeApi({ handlers })
  await paste(at, gone)
  await gone[Symbol.asyncDispose]()
  const { code, stderr } = await at.catwalk(['logout', '--revoke'])
  expect(code).toBe(0)
  expect(stderr).toContain('may still be valid')
  expect((await at.kept()).installations).toEqual({})
})

test('without a login, logging out says so', async () => {
  await using at = await desk()
  expect((await at.catwalk(['logout'])).code).toBe(2)
})

test.each(['http://catwalk.example.com', 'http://192.0.2.1:7420'])(
  'no key is sent over plain http to %s',
  async (origin) => {
    await using at = await desk()
    const { code, stderr } = await at.catwalk(['login', origin, '--api-key-stdin'], { stdin: 'cwk_x' })
    expect(code).toBe(2)
    expect(stderr).toContain('in clear')
  },
)

test.each(['', '[]', '{"installations": {"https://x": {"apiKey": 3}}}', '{"installations": 7}'])(
  'a file of logins with %j is named, not guessed at',
  async (text) => {
    await using at = await desk()
    await mkdir(join(at.file, '..'), { recursive: true })
    await writeFile(at.file, text)
    const { code, stderr } = await at.catwalk(['ls'])
    expect(code).toBe(2)
    expect(stderr).toContain(at.file)
  },
)
