import { expect, test } from 'vitest'
import { startPythonIndex } from '../fakes/python-index.ts'
import { FIXTURE_PROJECTS } from '../runtimes/fixtures/projects.ts'
import { evaluate, releaseOf } from '../runtimes/release.ts'
import { startDockerRuntime } from './docker-runtime.ts'

const never = new AbortController().signal

test("a package from the Python index is installed with the image's Python and answers", async () => {
  await using index = await startPythonIndex(FIXTURE_PROJECTS)
  const { url } = index
  await using subject = await startDockerRuntime({
    pypi: async () => ({ url, origins: [new URL(url).host], certificates: null }),
  })
  const name = 'fixture-evaluator'
  const release = releaseOf({
    kind: 'pypi',
    name,
    version: '1.0.0',
    hashes: index.hashesOf(name),
    program: { kind: 'script', name },
  })
  const prepared = await subject.runtime.prepare(release.prepare, never)
  expect(prepared).toMatchObject({ packages: 2, fromStore: false })
  const instance = await subject.runtime.start(release.start(prepared.lockFile), never)
  try {
    expect(await evaluate(instance, 'import_("fixture_helper").answer')).toBe(42)
    expect(await evaluate(instance, 'import_("os").access(import_("sys").prefix, 2)')).toBe(false)
  } finally {
    await instance.stop(500)
    await subject.runtime.purge(release.prepare.deploymentId, never)
  }
})
