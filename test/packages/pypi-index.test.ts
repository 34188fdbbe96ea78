import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createPypiIndex } from '../../src/packages/index.ts'
import { startPythonIndex, type FakeProject, type PythonIndex } from '../fakes/python-index.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { openSources, read } from '../sources/support.ts'

const never = new AbortController().signal
const PROJECTS: readonly FakeProject[] = [
  {
    name: 'my-server',
    version: '1.9.0',
    files: { 'my_server/__init__.py': 'VALUE = 1' },
    scripts: { 'my-server': 'my_server:main', admin: 'my_server:admin' },
    requiresPython: '>=3.10',
    headers: [
      'Summary: A server',
      'License-Expression: MIT',
      'Project-URL: Docs, https://docs.example',
      'Project-URL: Repository, https://github.com/team/my-server',
    ],
    publishedAt: '2026-05-06T07:08:09Z',
  },
  { name: 'my-server', version: '1.10.0', files: { 'a.py': '' }, yanked: 'broken' },
  { name: 'my-server', version: '2.0rc1', files: { 'a.py': '' } },
  {
    name: 'sources-only',
    version: '0.1',
    files: { 'setup.py': 'import os', 'README.md': '# S' },
    sourceOnly: true,
  },
]
let index: PythonIndex
let old: PythonIndex

beforeAll(async () => {
  index = await startPythonIndex(PROJECTS)
  old = await startPythonIndex(PROJECTS, { json: false })
})
afterAll(async () => {
  await index[Symbol.asyncDispose]()
  await old[Symbol.asyncDispose]()
})
beforeEach(() => index.interfere(null))

const open = (url = index.url, timeoutMs = 5_000) =>
  createPypiIndex({ configuration: async () => ({ url }), userAgent: 'test', timeoutMs })

describe('a package of PyPI', () => {
  test('is described by the index and its wheel', async () => {
    const info = await open().resolve('my-server', null, never)
    expect(info).toEqual({
      name: 'my-server',
      version: '1.9.0',
      description: 'A server',
      hashes: [index.hashesOf('my-server')[0]],
      consoleScripts: ['my-server', 'admin'],
      requiresPython: '>=3.10',
      yanked: null,
      repository: 'https://github.com/team/my-server',
      license: 'MIT',
      publishedAt: new Date('2026-05-06T07:08:09Z'),
      archive: {
        url: expect.stringMatching(/files\/my_server-1\.9\.0-py3-none-any\.whl$/),
        format: 'zip',
        integrity: expect.stringMatching(/^sha256-/),
      },
      hasInstallScripts: false,
    })
  })

  test('is the same from an index that knows only HTML, save for the time', async () => {
    const [json, html] = await Promise.all([
      open().resolve('my-server', null, never),
      open(old.url).resolve('my-server', null, never),
    ])
    const url = new URL(json.archive.url).pathname
    expect({ ...html, archive: { ...html.archive, url: new URL(html.archive.url).pathname } }).toEqual({
      ...json,
      archive: { ...json.archive, url },
      publishedAt: null,
    })
  })

  test('is found by exact version, also withdrawn or a pre-release, and in another spelling', async () => {
    expect(await open().resolve('my-server', '1.10.0', never)).toMatchObject({ yanked: 'broken' })
    expect(await open().resolve('my-server', '2.0.rc.1', never)).toMatchObject({ version: '2.0rc1' })
  })

  test('without a wheel runs its own code when it is installed', async () => {
    expect(await open().resolve('sources-only', null, never)).toMatchObject({
      hasInstallScripts: true,
      consoleScripts: null,
      archive: { format: 'tar.gz' },
    })
  })

  test('that is not there, or not in that version, is named as such', async () => {
    expect((await catwalkErrorOf(open().resolve('nonexistent', null, never))).code).toBe('package_not_found')
    expect((await catwalkErrorOf(open().resolve('my-server', '9', never))).code).toBe('version_not_found')
  })

  test('is read as a snapshot, from wheel or sources', async () => {
    await using directory = await temporaryDirectory()
    using sources = await openSources(directory.path, { pypi: open() })
    const wheel = await read(sources, 'pypi:my-server')
    expect(wheel.pinned).toMatchObject({
      source: { version: '1.9.0' },
      url: 'https://pypi.org/project/my-server/1.9.0/',
    })
    expect(wheel.files).toMatchObject({ 'my_server/__init__.py': 'VALUE = 1' })
    expect((await read(sources, 'pypi:sources-only')).files).toMatchObject({
      'README.md': '# S',
      'setup.py': 'import os',
    })
  })
})

describe('a Python index', () => {
  test('that fails once is asked again; while it is down, what it said before is served', async () => {
    const asked = open()
    let failures = 1
    index.interfere((_req, res, answer) => (failures-- > 0 ? res.writeHead(503).end() : answer()))
    const before = await asked.resolve('my-server', null, never)
    index.interfere((_req, res) => res.writeHead(503).end())
    expect(await asked.resolve('my-server', null, never)).toEqual(before)
    expect((await catwalkErrorOf(asked.resolve('sources-only', null, never))).code).toBe(
      'package_index_unavailable',
    )
  })

  test('that does not answer in time, or with something else, is unavailable', async () => {
    index.interfere(() => undefined)
    expect((await catwalkErrorOf(open(index.url, 300).resolve('my-server', null, never))).code).toBe(
      'package_index_unavailable',
    )
    index.interfere((_req, res) => res.end('hello'))
    expect((await catwalkErrorOf(open().resolve('my-server', null, never))).code).toBe(
      'package_index_unavailable',
    )
  })

  test('that serves a file with another hash is not believed', async () => {
    index.interfere((req, res, answer) =>
      req.url?.startsWith('/files/') === true ? res.end('changed') : answer(),
    )
    expect((await catwalkErrorOf(open().resolve('my-server', null, never))).message).toContain(
      'does not have the hash',
    )
    await using directory = await temporaryDirectory()
    using sources = await openSources(directory.path, { pypi: open() })
    expect((await catwalkErrorOf(read(sources, 'pypi:sources-only'))).code).toBe('source_malformed')
  })

  test('gets the credentials of its address, and its refusal says so', async () => {
    let seen: string | undefined
    index.interfere((req, _res, answer) => {
      seen = req.headers.authorization
      answer()
    })
    await open(index.url.replace('//', '//me:p%40ss@')).resolve('sources-only', null, never)
    expect(seen).toBe(`Basic ${Buffer.from('me:p@ss').toString('base64')}`)
    index.interfere((_req, res) => res.writeHead(403).end())
    expect((await catwalkErrorOf(open().resolve('my-server', null, never))).help).toContain('credentials')
  })
})
