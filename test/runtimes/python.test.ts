import { afterAll, beforeAll, expect, test } from 'vitest'
import type { PypiPackage, PythonProgram } from '../../src/domain/index.ts'
import { startPythonIndex, type PythonIndex } from '../fakes/python-index.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { FIXTURE_PROJECTS } from './fixtures/projects.ts'
import { startLocalRuntime, type LocalRuntimeUnderTest } from './local-runtime.ts'
import { environmentOf, evaluate, releaseOf } from './release.ts'

const never = new AbortController().signal
let index: PythonIndex
let subject: LocalRuntimeUnderTest
beforeAll(async () => {
  index = await startPythonIndex(FIXTURE_PROJECTS)
  const { url } = index
  const origins = [new URL(url).host]
  subject = await startLocalRuntime({ pypi: async () => ({ url, origins, certificates: null }) })
})
afterAll(async () => {
  await subject[Symbol.asyncDispose]()
  await index[Symbol.asyncDispose]()
})

function project(name: string, program: PythonProgram = { kind: 'script', name }): PypiPackage {
  return { kind: 'pypi', name, version: '1.0.0', hashes: index.hashesOf(name), program }
}

test('a package from the Python index is installed once, started as a script or a module, and answers', async () => {
  const release = releaseOf(project('fixture-evaluator'), { args: ['--stdio'] })
  const prepared = await subject.runtime.prepare(release.prepare, never)
  expect(prepared).toMatchObject({ packages: 2, fromStore: false })
  expect(prepared.lockFile).toMatch(/^fixture-helper==1\.2\.0 --hash=sha256:/m)
  const instance = await subject.runtime.start(release.start(prepared.lockFile), never)
  try {
    const manifest = await instance.endpoint.probe(AbortSignal.timeout(15_000))
    expect(manifest.tools.map(({ name }) => name)).toEqual(['evaluate'])
    expect(await evaluate(instance, 'import_("sys").argv[1:]')).toEqual(['--stdio'])
    expect(await evaluate(instance, 'import_("fixture_helper").answer')).toBe(42)
    expect(await environmentOf(instance, 'dict(import_("os").environ)')).toEqual({
      HOME: '/home/server',
      LANG: 'C.UTF-8',
      PATH: expect.any(String) as unknown,
      TMPDIR: '/tmp',
    })
    expect(await evaluate(instance, 'import_("os").access(import_("sys").prefix, 2)')).toBe(false)
  } finally {
    await instance.stop(500)
    await subject.runtime.purge(release.prepare.deploymentId, never)
  }

  const module = releaseOf(project('fixture-evaluator', { kind: 'module', name: 'fixture_evaluator' }))
  const again = await subject.runtime.prepare({ ...module.prepare, lockFile: prepared.lockFile }, never)
  expect(again).toEqual({ lockFile: prepared.lockFile, packages: 2, fromStore: true })
  const second = await subject.runtime.start(module.start(again.lockFile), never)
  expect(await evaluate(second, '6 * 7')).toBe(42)
  await second.stop(500)
  await subject.runtime.purge(module.prepare.deploymentId, never)
})

test('a package whose content is not what was looked up is refused', async () => {
  const other = { ...project('fixture-evaluator'), hashes: ['0'.repeat(64)] }
  const error = await catwalkErrorOf(subject.runtime.prepare(releaseOf(other).prepare, never))
  expect(error.code).toBe('install_failed')
  expect(error.message).toContain('its hash differs')
})

test('a script that the package does not have is named, with those that it has', async () => {
  const release = releaseOf(project('fixture-evaluator', { kind: 'script', name: 'other' }))
  const error = await catwalkErrorOf(subject.runtime.prepare(release.prepare, never))
  expect(error.code).toBe('no_executable')
  expect(error.message).toContain('fixture-evaluator')
})

test('a package for another Python says which one it wants', async () => {
  const release = releaseOf(project('fixture-future'))
  const error = await catwalkErrorOf(subject.runtime.prepare(release.prepare, never))
  expect(error.code).toBe('python_unavailable')
  expect(error.message).toContain('>=4.7')
})

test('what is published as source only is built when scripts are allowed, and not otherwise', async () => {
  const source = project('fixture-source', { kind: 'module', name: 'fixture_source' })
  const refused = await catwalkErrorOf(subject.runtime.prepare(releaseOf(source).prepare, never))
  expect(refused.code).toBe('install_failed')
  expect(refused.help).toContain('allow install scripts')

  const release = releaseOf(source, { allowScripts: true })
  const { lockFile } = await subject.runtime.prepare(release.prepare, never)
  const instance = await subject.runtime.start(release.start(lockFile), never)
  expect(await evaluate(instance, '1 + 1')).toBe(2)
  await instance.stop(500)
  await subject.runtime.purge(release.prepare.deploymentId, never)
})
