import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { Secret, type SourceHost } from '../../src/domain/index.ts'
import { SOURCE_LIMITS } from '../../src/sources/limits.ts'
import { makeRepository, startGitServer, type GitServer } from '../fakes/git-server.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { openSources, read } from './support.ts'

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let server: GitServer
let sources: SourceHost & Disposable
let commit: string
let hostile: string

const at = (rest: string): string => `git:${server.origin.replace('http:', 'https:')}/${rest}`

beforeAll(async () => {
  directory = await temporaryDirectory()
  const files = join(directory.path, 'work')
  await mkdir(join(files, 'sub', 'deep'), { recursive: true })
  await writeFile(join(files, 'README.md'), '# Git')
  await writeFile(join(files, 'sub', 'deep', 'a.py'), 'a')
  commit = makeRepository(directory.path, 'team/app.git', files)
  await symlink('/etc/passwd', join(files, 'leak'))
  hostile = makeRepository(directory.path, 'team/evil.git', files)
  server = await startGitServer(directory.path)
  sources = await openSources(join(directory.path, 'snapshots'), { trustedGitOrigins: [server.origin] })
})
afterAll(async () => {
  sources[Symbol.dispose]()
  await server[Symbol.asyncDispose]()
  await directory[Symbol.asyncDispose]()
})
beforeEach(() => server.interfere(null))

test.each([
  ['team/app.git', ''],
  ['team/app.git#ref=main&subdirectory=sub', 'sub'],
  ['team/app.git#ref=v1', ''],
  ['team/app.git#ref=feature%2Fx', ''],
  ['team/app.git/-/tree/feature/x/sub', 'sub'],
])('%s is pinned and read', async (text, path) => {
  const found = await read(sources, at(text))
  expect([found.pinned.content, found.path]).toEqual([commit, path])
  expect(found.files).toEqual({ 'README.md': '# Git', 'sub/deep/a.py': 'a' })
})

test('a commit is read by its hash, and by the beginning of it', async () => {
  expect((await read(sources, at(`team/app.git#ref=${commit}`))).pinned.content).toBe(commit)
  expect((await read(sources, at(`team/app.git#ref=${commit.slice(0, 8)}`))).pinned.content).toBe(commit)
})

test.each([
  ['team/none.git', 'source_not_found'],
  ['team/app.git#ref=none', 'source_not_found'],
  [`team/app.git#ref=${'0'.repeat(40)}`, 'source_not_found'],
])('%s is not there', async (text, code) => {
  expect((await catwalkErrorOf(read(sources, at(text)))).code).toBe(code)
})

test('a link out of the repository is refused', async () => {
  expect(hostile).toMatch(/^[0-9a-f]{40}$/)
  const error = await catwalkErrorOf(read(sources, at('team/evil.git')))
  expect([error.code, error.message]).toEqual([
    'source_malformed',
    expect.stringContaining('leads out of it'),
  ])
})

test('a repository that outgrows its limit is cut off', async () => {
  const files = join(directory.path, 'big')
  await mkdir(files)
  const noise = Buffer.from(Array.from({ length: 300_000 }, (_, n) => (n * 7919 * (n % 97)) % 251))
  await writeFile(join(files, 'noise'), noise)
  makeRepository(directory.path, 'team/big.git', files)
  using strict = await openSources(join(directory.path, 'strict'), {
    trustedGitOrigins: [server.origin],
    limits: { ...SOURCE_LIMITS, archiveBytes: 50_000 },
  })
  expect((await catwalkErrorOf(read(strict, at('team/big.git')))).code).toBe('source_too_large')
})

test('a server on a private address is refused, also as the target of a redirect', async () => {
  using open = await openSources(join(directory.path, 'open'))
  expect((await catwalkErrorOf(read(open, at('team/app.git')))).code).toBe('source_refused')
  server.interfere((_req, res) => {
    res.writeHead(302, { location: 'https://10.0.0.1/x/info/refs?service=git-upload-pack' }).end()
    return true
  })
  expect((await catwalkErrorOf(read(sources, at('team/app.git')))).code).toBe('source_refused')
})

test('a redirect between discovery and download is not followed by git', async () => {
  let asked = 0
  server.interfere((_req, res) => {
    asked += 1
    if (asked <= 2) return false
    res.writeHead(302, { location: `${server.origin}/team/evil.git/info/refs?service=git-upload-pack` }).end()
    return true
  })
  using fresh = await openSources(join(directory.path, 'fresh'), { trustedGitOrigins: [server.origin] })
  expect((await catwalkErrorOf(read(fresh, at('team/app.git')))).code).toBe('source_unavailable')
})

test('a token goes along as basic authorization and its refusal is said', async () => {
  const before = server.authorizations.length
  await read(sources, at('team/app.git#ref=v1'), new Secret('t0ken'))
  const expected = `Basic ${Buffer.from('oauth2:t0ken').toString('base64')}`
  expect(new Set(server.authorizations.slice(before))).toEqual(new Set([expected]))
  server.interfere((_req, res) => {
    res.writeHead(401).end()
    return true
  })
  expect((await catwalkErrorOf(read(sources, at('team/app.git'), new Secret('t0ken')))).code).toBe(
    'source_forbidden',
  )
  expect((await catwalkErrorOf(read(sources, at('team/app.git')))).code).toBe('source_not_found')
})

test('a server that is none, and a machine without git, get their errors', async () => {
  server.interfere((_req, res) => {
    res.end('<html>hello</html>')
    return true
  })
  expect((await catwalkErrorOf(read(sources, at('team/app.git')))).code).toBe('source_unavailable')
  server.interfere(null)
  using without = await openSources(join(directory.path, 'without'), {
    trustedGitOrigins: [server.origin],
    gitCommand: 'no-such-git',
  })
  const error = await catwalkErrorOf(read(without, at('team/app.git')))
  expect([error.code, error.message]).toEqual(['source_unavailable', 'Git is not installed on this machine.'])
})
