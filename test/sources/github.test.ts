import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Secret, type SourceHost } from '../../src/domain/index.ts'
import { SOURCE_LIMITS } from '../../src/sources/limits.ts'
import { startGithub, type FakeGithub, type FakeTree } from '../fakes/github.ts'
import { header, makeTar, makeTarball } from '../fakes/tarball.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { openSources, read } from './support.ts'

const MIB = 1024 * 1024
const limits = {
  ...SOURCE_LIMITS,
  archiveBytes: 4 * MIB,
  unpackedBytes: 8 * MIB,
  fileBytes: 4 * MIB,
  entries: 500,
  timeoutMs: 10_000,
}
let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let github: FakeGithub
let sources: SourceHost & Disposable

beforeAll(async () => {
  directory = await temporaryDirectory()
  github = await startGithub(
    [
      {
        name: 'Owner/mono',
        files: {
          'README.md': '# One',
          'packages/mail/package.json': '{}',
          'packages/mail/src/x.js': 'x',
          LICENSE: 'MIT',
        },
        branches: { 'feature/x': { 'only-here/a.txt': 'a' } },
        tags: { v1: { 'README.md': '# Old' } },
        formerNames: ['former/mono'],
      },
      { name: 'owner/closed', files: { secret: 'hidden' }, private: true },
    ],
    { tokens: { good: ['owner/closed'], blind: [] } },
  )
  sources = await openSources(join(directory.path, 'snapshots'), { githubApiUrl: github.url, limits })
})
afterAll(async () => {
  sources[Symbol.dispose]()
  await github[Symbol.asyncDispose]()
  await directory[Symbol.asyncDispose]()
})
beforeEach(() => github.interfere(null))

const url = (rest: string): string => `https://github.com/${rest}`

describe('a repository', () => {
  test('is pinned to its commit and read whole', async () => {
    const { pinned, files, path } = await read(sources, 'owner/mono')
    const commit = github.commitOf('owner/mono')
    expect(pinned).toEqual({
      source: {
        kind: 'github',
        host: 'github.com',
        owner: 'Owner',
        repository: 'mono',
        ref: commit,
        path: '',
      },
      content: commit,
      url: url(`Owner/mono/tree/${commit}`),
    })
    expect([path, files['README.md'], Object.keys(files).length]).toEqual(['', '# One', 4])
  })

  test.each([
    ['owner/mono@v1', 'v1', ''],
    [url('owner/mono/tree/main/packages/mail'), 'HEAD', 'packages/mail'],
    [url('owner/mono/blob/main/packages/mail/package.json'), 'HEAD', 'packages/mail'],
    [url('owner/mono/tree/main/packages/mail/src/x.js'), 'HEAD', 'packages/mail/src'],
    [url('owner/mono/tree/feature/x/only-here'), 'feature/x', 'only-here'],
    [url('owner/mono/tree/feature/x'), 'feature/x', ''],
    [url('former/mono'), 'HEAD', ''],
    ['git@github.com:owner/mono.git', 'HEAD', ''],
  ])('is found from %s', async (text, ref, path) => {
    const found = await read(sources, text)
    expect([found.pinned.content, found.path]).toEqual([github.commitOf('owner/mono', ref), path])
  })

  test('is downloaded once for a commit, also when two ask together', async () => {
    github.publish({ name: 'owner/once', files: { a: '1' } })
    const before = github.requests.length
    await Promise.all([read(sources, 'owner/once'), read(sources, 'owner/once'), read(sources, 'owner/once')])
    await read(sources, 'owner/once')
    const archives = github.requests.slice(before).filter((request) => request.includes('_codeload'))
    expect(archives.length).toBe(1)
  })

  test.each([
    ['owner/none', 'There is no repository owner/none on github.com, or it is private.'],
    ['owner/mono@none', "owner/mono has no branch, tag or commit 'none'."],
    [url('owner/mono/tree/main/nowhere'), "There is no folder 'nowhere' in it."],
  ])('%s is said not to exist', async (text, message) => {
    const error = await catwalkErrorOf(read(sources, text))
    expect([error.code, error.message]).toEqual(['source_not_found', message])
  })
})

describe('a token', () => {
  test("opens a private repository, and another caller's does not", async () => {
    expect((await read(sources, 'owner/closed', new Secret('good'))).files).toEqual({ secret: 'hidden' })
    expect((await catwalkErrorOf(read(sources, 'owner/closed'))).code).toBe('source_not_found')
    expect((await catwalkErrorOf(read(sources, 'owner/closed', new Secret('blind')))).code).toBe(
      'source_not_found',
    )
    expect((await catwalkErrorOf(read(sources, 'owner/closed', new Secret('wrong')))).code).toBe(
      'source_forbidden',
    )
  })

  test('is not sent where the archive comes from', async () => {
    const before = github.requests.length
    github.publish({ name: 'owner/closed', files: { secret: 'changed' }, private: true })
    await using elsewhere = await startGithub([{ name: 'owner/closed', files: { secret: 'changed' } }])
    github.interfere((req, res, answer) => {
      const archive = /tarball\/(\w+)/.exec(req.url ?? '')
      if (archive === null) answer()
      else
        res
          .writeHead(302, {
            location: `${elsewhere.url}/_codeload/owner/closed/legacy.tar.gz/${archive[1] ?? ''}`,
          })
          .end()
    })
    // The other address is on this machine and not the configured one.
    expect((await catwalkErrorOf(read(sources, 'owner/closed', new Secret('good')))).code).toBe(
      'source_refused',
    )
    expect(elsewhere.requests).toEqual([])
    expect(github.tokens.slice(before)).toEqual(['good', 'good'])
  })

  test('of the installation is used when the caller has none', async () => {
    using own = await openSources(join(directory.path, 'own'), {
      githubApiUrl: github.url,
      githubToken: new Secret('good'),
    })
    expect((await read(own, 'owner/closed')).files).toHaveProperty('secret')
  })
})

describe('GitHub', () => {
  test('that allows no more requests is quoted with the time when it will', async () => {
    await using strict = await startGithub([{ name: 'o/n', files: { a: '' } }], { anonymousLimit: 1 })
    using limited = await openSources(join(directory.path, 'limited'), { githubApiUrl: strict.url })
    const error = await catwalkErrorOf(read(limited, 'o/n'))
    expect(error.code).toBe('source_rate_limited')
    expect(error.message).toMatch(/until \d\d:\d\d UTC, in (?:59|60) min\./)
    expect(error.details).toHaveProperty('retryAt')
  })

  test('that asks to slow down is quoted with its own wait', async () => {
    github.interfere((_req, res) =>
      res.writeHead(429, { 'retry-after': '300' }).end('{"message":"secondary rate limit"}'),
    )
    const error = await catwalkErrorOf(read(sources, 'owner/mono'))
    expect([error.code, error.message]).toEqual(['source_rate_limited', expect.stringContaining('in 5 min')])
  })

  test('that fails once is asked again; that keeps failing is unavailable', async () => {
    let failures = 1
    github.interfere((_req, res, answer) => (failures-- > 0 ? res.writeHead(502).end() : answer()))
    await read(sources, 'owner/mono')
    github.interfere((_req, res) => res.writeHead(500).end())
    expect((await catwalkErrorOf(read(sources, 'owner/mono'))).code).toBe('source_unavailable')
    github.interfere((_req, res) => res.end('{"sha": "../../etc"}'))
    expect((await catwalkErrorOf(read(sources, 'owner/mono'))).code).toBe('source_unavailable')
  })

  test('as an Enterprise server is asked at its own address', async () => {
    await using enterprise = await startGithub([{ name: 'team/app', files: { a: 'b' } }], {
      enterprise: true,
    })
    using inside = await openSources(join(directory.path, 'enterprise'), { githubApiUrl: enterprise.url })
    const { host } = new URL(enterprise.url)
    expect(inside.githubHosts).toEqual(['github.com', host])
    expect((await read(inside, `https://${host}/team/app/tree/main`)).files).toEqual({ a: 'b' })
  })
})

describe('a hostile repository', () => {
  const hostile: readonly (readonly [string, string, FakeTree])[] = [
    [
      'a symbolic link out of it',
      'leads out of it',
      { x: { type: 'symlink', target: '../../etc/passwd', content: '' } },
    ],
    [
      'an absolute symbolic link',
      'leads out of it',
      { x: { type: 'symlink', target: '/etc/passwd', content: '' } },
    ],
    ['a hard link out of it', 'leads out of it', { x: { type: 'hardlink', target: '../x', content: '' } }],
    ['a device', 'a device', { x: { type: 'device', content: '' } }],
    ['a pipe', 'a device', { x: { type: 'pipe', content: '' } }],
    ['a path that leads out', 'leads out of it', { '../../x': '1' }],
    ['a backslash', 'backslash', { 'a\\..\\b': '1' }],
    ['a name with a control character', 'not shown', { 'a\u0007b': '1' }],
    ['a name that is written backwards', 'not shown', { 'a\u202etxt.exe': '1' }],
    ['names that differ in case', 'differ only in case', { Makefile: '1', makefile: '2' }],
    ['folders that differ in case', 'differ only in case', { 'src/a': '1', 'SRC/b': '2' }],
    ['names that are normalised to one', 'differ only in case', { '\u00e9': '1', 'e\u0301': '2' }],
    ['a file that is also a folder', 'both a file and a folder', { a: '1', 'a/b': '2' }],
    ['a path that is too deep', 'too deep', { [`${'a/'.repeat(60)}b`]: '1' }],
    ['a path that is too long', 'too long', { [`${'a'.repeat(200)}/`.repeat(8) + 'b']: '1' }],
    ['a name that is too long', 'too long', { ['a'.repeat(300)]: '1' }],
  ]

  test.each(hostile)('with %s is refused', async (_what, message, files) => {
    github.publish({ name: 'evil/repo', files })
    const error = await catwalkErrorOf(read(sources, 'evil/repo'))
    expect([error.code, error.message]).toEqual(['source_malformed', expect.stringContaining(message)])
  })

  const served: readonly (readonly [string, string, string, () => Buffer])[] = [
    [
      'an absolute path',
      'source_malformed',
      'is absolute',
      () => makeTarball([{ path: '/etc/cron.d/x', content: '' }]),
    ],
    [
      'the same file twice',
      'source_malformed',
      'twice',
      () =>
        makeTarball([
          { path: 'r/a', content: '1' },
          { path: 'r/a', content: '2' },
        ]),
    ],
    [
      'a bomb of zeros',
      'source_too_large',
      'larger than 4 MiB',
      () => makeTarball([{ path: 'r/a', content: Buffer.alloc(6 * MIB) }]),
    ],
    [
      'a bomb in pieces',
      'source_too_large',
      'larger than 8 MiB together',
      () => makeTarball([1, 2, 3].map((n) => ({ path: `r/${n}`, content: Buffer.alloc(3 * MIB) }))),
    ],
    [
      'a file that claims ten gigabytes',
      'source_too_large',
      'larger than 4 MiB',
      () => gzipSync(header('r/a', 8_000_000_000, 0o644, '0', '')),
    ],
    [
      'a compressed file in a compressed file',
      'source_malformed',
      'more than once',
      () => gzipSync(makeTarball([{ path: 'r/a', content: '' }])),
    ],
    [
      'too many files',
      'source_too_large',
      'more than 500 files',
      () => makeTarball(Array.from({ length: 600 }, (_, n) => ({ path: `r/${n}`, content: '' }))),
    ],
    [
      'an oversized header',
      'source_malformed',
      'oversized headers',
      () =>
        gzipSync(
          Buffer.concat([
            header('pax', 100_000, 0o644, 'x', ''),
            Buffer.alloc(100_352),
            makeTar([{ path: 'r/a', content: '' }]),
          ]),
        ),
    ],
    ['an archive that is none', 'source_malformed', 'damaged', () => gzipSync(Buffer.alloc(4096, 'x'))],
    ['an archive that is not compressed', 'source_malformed', 'damaged', () => Buffer.from('hello')],
    [
      'an archive that is cut',
      'source_malformed',
      'damaged',
      () => makeTarball([{ path: 'r/a', content: Buffer.alloc(100_000, 'ab') }]).subarray(0, 60),
    ],
  ]

  test.each(served)('that serves %s is refused', async (_what, code, message, archive) => {
    github.publish({ name: 'evil/archive', files: { a: message }, archive: (res) => res.end(archive()) })
    const error = await catwalkErrorOf(read(sources, 'evil/archive'))
    expect([error.code, error.message]).toEqual([code, expect.stringContaining(message)])
  })

  test('that sends without end is cut off by size, and one that dawdles by time', async () => {
    github.publish({
      name: 'evil/endless',
      files: { a: '1' },
      archive: (res) => {
        // Noise, so that it does not shrink, in stored blocks.
        const noise = gzipSync(Buffer.from(Array.from({ length: 65_536 }, (_, n) => (n * 7919) % 251)), {
          level: 0,
        })
        const more = (): void => void (res.destroyed || res.write(noise, more))
        more()
      },
    })
    expect((await catwalkErrorOf(read(sources, 'evil/endless'))).code).toMatch(
      /source_(?:too_large|malformed)/,
    )
    using hurried = await openSources(join(directory.path, 'hurried'), {
      githubApiUrl: github.url,
      limits: { ...limits, timeoutMs: 400 },
    })
    github.publish({
      name: 'evil/slow',
      files: { a: '2' },
      archive: (res) => void res.write(makeTarball([{ path: 'r/a', content: 'x' }]).subarray(0, 15)),
    })
    expect((await catwalkErrorOf(read(hurried, 'evil/slow'))).code).toBe('source_timeout')
  })

  test('leaves nothing behind', async () => {
    const names = await readdir(join(directory.path, 'snapshots'))
    expect(names.filter((name) => name.startsWith('unfinished-'))).toEqual([])
    expect(await readdir(directory.path)).not.toContain('x')
  })
})

test('a link inside is a copy, one to nowhere is left out, and nothing of a nested repository is kept', async () => {
  github.publish({
    name: 'owner/links',
    files: {
      'AGENTS.md': 'read me',
      'docs/CLAUDE.md': { type: 'symlink', target: '../AGENTS.md', content: '' },
      'hard.md': { type: 'hardlink', target: 'owner-links-0000000/AGENTS.md', content: '' },
      folder: { type: 'symlink', target: 'docs', content: '' },
      nowhere: { type: 'symlink', target: 'none', content: '' },
      '.git/hooks/post-checkout': 'rm -rf /',
      'sub/.GIT/config': '[core]',
    },
  })
  expect((await read(sources, 'owner/links')).files).toEqual({
    'AGENTS.md': 'read me',
    'docs/CLAUDE.md': 'read me',
    'hard.md': 'read me',
  })
})

test('a file that is too large or not UTF-8 has no text, and asking for what is not there gives none', async () => {
  github.publish({
    name: 'owner/bytes',
    files: { 'a.bin': Buffer.from([0xff, 0xfe, 0]), 'b.txt': 'x'.repeat(2 * MIB) },
  })
  expect((await read(sources, 'owner/bytes')).files).toEqual({ 'a.bin': null, 'b.txt': null })
})

test('the cache stays within its size and keeps what is held', async () => {
  const place = join(directory.path, 'small')
  using small = await openSources(place, { githubApiUrl: github.url, maxCacheBytes: 2500 })
  const within = { token: null, signal: new AbortController().signal }
  for (const n of [1, 2, 3, 4])
    github.publish({ name: `owner/size${n}`, files: { a: String(n).repeat(1000) } })
  const open = async (n: number) => {
    const pinned = await small.pin(
      { kind: 'github', host: 'github.com', owner: 'owner', repository: `size${n}`, ref: null, path: '' },
      within,
    )
    return small.open(pinned, within)
  }
  await using held = await open(1)
  for (const n of [2, 3, 4]) await (await open(n))[Symbol.asyncDispose]()
  expect((await readdir(place)).length).toBe(2)
  expect(held.text('a')).toBe('1'.repeat(1000))
})
