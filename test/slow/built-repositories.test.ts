import { access, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { GitPackage, GitProgram, Snapshot } from '../../src/domain/index.ts'
import { startPythonIndex, type PythonIndex } from '../fakes/python-index.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { FIXTURE_PROJECTS } from '../runtimes/fixtures/projects.ts'
import { startLocalRuntime, type LocalRuntimeUnderTest } from '../runtimes/local-runtime.ts'
import { evaluate, releaseOf, type Release } from '../runtimes/release.ts'

const never = new AbortController().signal
const evaluator = await readFile(new URL('../runtimes/fixtures/evaluator.cjs', import.meta.url), 'utf8')
const pythonEvaluator = await readFile(new URL('../runtimes/fixtures/evaluator.py', import.meta.url), 'utf8')

const BUILD = `const fs = require('fs')
fs.mkdirSync('dist', { recursive: true })
fs.writeFileSync('dist/server.cjs', fs.readFileSync('server.source', 'utf8'))
for (const path of ['/usr/evil', '/opt/catwalk/evil', '/home/evil', '/etc/evil', '../../../evil']) {
  try { fs.writeFileSync(path, 'x'); console.log('WROTE ' + path) } catch {}
}
console.log('BUILD SEES ' + JSON.stringify([fs.existsSync('/opt/catwalk/cache'), process.env.SECRET ?? null]))
`
const manifest = (more: object): string => JSON.stringify({ name: 'acme', version: '1.0.0', ...more })

const REPOSITORIES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  node: {
    'server/package.json': manifest({
      bin: { acme: 'dist/server.cjs' },
      scripts: { build: 'node build.cjs' },
      dependencies: { 'fixture-helper': '^1.0.0' },
    }),
    'server/build.cjs': BUILD,
    'server/server.source': evaluator,
    'server/.npmrc': 'registry=http://evil.example/\n',
  },
  hungry: {
    'package.json': manifest({ scripts: { build: 'node build.cjs' } }),
    'build.cjs': `const fs = require('fs'); for (let i = 0; ; i += 1) fs.writeFileSync('f' + i, Buffer.alloc(8e6))`,
  },
  endless: {
    'package.json': manifest({ scripts: { build: 'node build.cjs' } }),
    'build.cjs': 'setInterval(() => {}, 1000)',
  },
  python: { 'requirements.txt': 'fixture-helper>=1\n', 'server.py': pythonEvaluator },
  project: FIXTURE_PROJECTS.find(({ name }) => name === 'fixture-source')?.files ?? {},
}

let index: PythonIndex
let subject: LocalRuntimeUnderTest
let repositories: Awaited<ReturnType<typeof temporaryDirectory>>

beforeAll(async () => {
  index = await startPythonIndex(FIXTURE_PROJECTS)
  repositories = await temporaryDirectory()
  const { url } = index
  subject = await startLocalRuntime({
    pypi: async () => ({ url, origins: [new URL(url).host], certificates: null }),
    openSnapshot: async (_workspace, spec) => snapshotOf(new URL(spec.repository).pathname.slice(1)),
    installDiskMiB: 200,
  })
})
afterAll(async () => {
  await subject[Symbol.asyncDispose]()
  await repositories[Symbol.asyncDispose]()
  await index[Symbol.asyncDispose]()
})

async function snapshotOf(name: string): Promise<Snapshot & AsyncDisposable> {
  const files = REPOSITORIES[name] ?? {}
  const directory = join(repositories.path, name)
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true })
    await writeFile(join(directory, path), content)
  }
  return {
    directory,
    commit: COMMIT,
    path: '',
    files: new Map(Object.entries(files).map(([path, content]) => [path, { path, bytes: content.length }])),
    text: (path) => files[path] ?? null,
    [Symbol.asyncDispose]: async () => undefined,
  }
}

const COMMIT = 'c'.repeat(40)

function repository(name: string, program: GitProgram, path = ''): GitPackage {
  return { kind: 'git', repository: `https://git.example/${name}`, commit: COMMIT, path, program }
}

async function evaluateOnce(release: Release, lockFile: string, code: string): Promise<unknown> {
  const instance = await subject.runtime.start(release.start(lockFile), never)
  try {
    return await evaluate(instance, code)
  } finally {
    await instance.stop(500)
    await subject.runtime.purge(release.prepare.deploymentId, never)
  }
}

test('a repository of Node is installed, built and run, and its build reaches nothing outside', async () => {
  const spec = repository('node', { kind: 'node-executable', name: 'acme' }, 'server')
  const release = releaseOf(spec)
  const { lockFile } = await subject.runtime.prepare(release.prepare, never)
  expect(lockFile).toContain(COMMIT)
  // It had no lock file: what was resolved is kept, so that the next build is the same.
  expect(lockFile).toContain('server/package-lock.json')
  const said = release.lines.map(({ line }) => line)
  expect(said).toContain('BUILD SEES [false,null]')
  expect(said.filter((line) => line.startsWith('WROTE'))).toEqual([])
  for (const path of ['/usr/evil', '/home/evil', '/etc/evil']) {
    await expect(access(path)).rejects.toThrow('ENOENT')
  }
  expect(
    await evaluateOnce(release, lockFile, "return require('fs').existsSync('/opt/catwalk/package/server')"),
  ).toBe(true)
  const again = await subject.runtime.prepare({ ...release.prepare, lockFile }, never)
  expect(again.fromStore).toBe(true)
})

test('a file that the repository does not have is named', async () => {
  const spec = repository('node', { kind: 'node-file', path: 'dist/other.js' }, 'server')
  const error = await catwalkErrorOf(subject.runtime.prepare(releaseOf(spec).prepare, never))
  expect(error.code).toBe('no_executable')
  expect(error.message).toContain('dist/other.js')
})

test('a build that fills the disk is ended', async () => {
  const spec = repository('hungry', { kind: 'node-file', path: 'x.js' })
  const error = await catwalkErrorOf(subject.runtime.prepare(releaseOf(spec).prepare, never))
  expect(error.code).toBe('install_failed')
  expect(error.message).toContain('more than 200 MiB of disk')
})

test('a build that does not end is ended with its signal', async () => {
  const spec = repository('endless', { kind: 'node-file', path: 'x.js' })
  const stop = new AbortController()
  const release = releaseOf(spec)
  const output = (_stream: string, line: string): void => {
    if (line.includes('node build.cjs')) stop.abort(new Error('enough'))
  }
  await expect(subject.runtime.prepare({ ...release.prepare, output }, stop.signal)).rejects.toThrow('enough')
})

test('a Python file runs with what its requirements list, pinned', async () => {
  const release = releaseOf(repository('python', { kind: 'python-file', path: 'server.py' }))
  const { lockFile } = await subject.runtime.prepare(release.prepare, never)
  expect(lockFile).toContain('fixture-helper==1.2.0 --hash=sha256:')
  expect(await evaluateOnce(release, lockFile, 'import_("fixture_helper").answer')).toBe(42)
})

test('a Python project is built and installed with what it needs', async () => {
  const program = { kind: 'python', program: { kind: 'module', name: 'fixture_source' } } as const
  const release = releaseOf(repository('project', program))
  const { lockFile } = await subject.runtime.prepare(release.prepare, never)
  expect(await evaluateOnce(release, lockFile, '1 + 1')).toBe(2)
})
