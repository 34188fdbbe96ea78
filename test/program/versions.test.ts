import { afterAll, beforeAll, expect, test } from 'vitest'
import type { GitPackage, ImageInfo, OciPackage, OciSource, SourceHost } from '../../src/domain/index.ts'
import { createVersions } from '../../src/program/versions.ts'
import { createFakeAnalyzer } from '../fakes/analyzer.ts'
import { startGithub, type FakeGithub } from '../fakes/github.ts'
import { openSources } from '../sources/support.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const owned = new AsyncDisposableStack()
const { signal } = new AbortController()
const notAsked = (): never => {
  throw new Error('not asked in this test')
}
let github: FakeGithub
let sources: SourceHost

beforeAll(async () => {
  const directory = owned.use(await temporaryDirectory())
  github = owned.use(
    await startGithub([
      {
        name: 'owner/server',
        files: { a: 'main' },
        branches: { next: { a: 'next' } },
        tags: {
          'v1.0.0': { a: '1' },
          'v1.9.0': { a: '9' },
          'v1.10.0': { a: '10' },
          'v2.0.0-rc.1': { a: 'rc' },
        },
      },
    ]),
  )
  sources = owned.use(await openSources(directory.path, { githubApiUrl: github.url }))
})
afterAll(() => owned.disposeAsync())

// A registry in which every tag means the same image.
const MOVED = `sha256:${'b'.repeat(64)}`
const image: OciPackage = {
  kind: 'oci',
  registry: 'ghcr.io',
  repository: 'team/server',
  digest: `sha256:${'a'.repeat(64)}`,
  program: ['serve'],
}
const imageAt = ({ registry, repository, tag, digest }: OciSource): ImageInfo => ({
  registry,
  repository,
  tag,
  digest: digest ?? MOVED,
  platforms: [],
  environment: [],
  entrypoint: ['serve', 'better'],
  command: [],
  labels: {},
  ports: [],
  createdAt: null,
  compressedBytes: 1,
})

const versions = () =>
  createVersions({
    sources,
    services: { npm: notAsked, pypi: notAsked, reading: async () => ({ token: null, signal }) },
    images: { resolve: async (source) => imageAt(source) },
    analyzer: { ...createFakeAnalyzer(), githubHosts: sources.githubHosts },
    runtimes: [],
  })

function at(commit: string): GitPackage {
  const host = sources.githubHosts.at(-1) ?? ''
  return {
    kind: 'git',
    repository: `https://${host}/owner/server`,
    commit,
    path: '',
    program: { kind: 'node-file', path: 'server.js' },
  }
}
const tracked = (ref: string): string => `${at('').repository}/tree/${ref}`
const tag = (name: string) => github.commitOf('owner/server', name)
const newest = async (commit: string, from: string | null) => {
  const found = await versions().newest('ws', at(commit), from, signal)
  return found === null ? null : { version: found.version, package: found.package }
}

test('a branch is followed to its newest commit, the default one where none was named', async () => {
  const [main, next] = [github.commitOf('owner/server'), github.commitOf('owner/server', 'next')]
  const old = 'a'.repeat(40)
  expect(await newest(old, tracked('next'))).toEqual({ version: next.slice(0, 12), package: at(next) })
  expect(await newest(old, null)).toEqual({ version: main.slice(0, 12), package: at(main) })
  expect(await newest(old, 'https://github.com/else/where/tree/next')).toMatchObject({ package: at(main) })
  expect(await newest(main, null)).toBeNull()
})

test('a tag that is a version is followed to the newest version, not to one before a release', async () => {
  expect(await newest(tag('v1.0.0'), tracked('v1.0.0'))).toEqual({
    version: 'v1.10.0',
    package: at(tag('v1.10.0')),
  })
  expect(await newest(tag('v1.10.0'), tracked('v1.0.0'))).toBeNull()
})

test('whoever named one commit is told of no other', async () => {
  expect(await newest('a'.repeat(40), tracked('a'.repeat(40)))).toBeNull()
})

test('a repository is moved to a branch, tag or commit by its name', async () => {
  const commit = github.commitOf('owner/server', 'v1.9.0')
  expect(await versions().at('ws', at('a'.repeat(40)), 'v1.9.0', signal)).toEqual(at(commit))
})

test('an image is followed by the tag that its owner named, and not where it was named by digest', async () => {
  const moved = { ...image, digest: MOVED, program: ['serve', 'better'] }
  const find = (pkg: OciPackage, from: string | null) => versions().newest('ws', pkg, from, signal)
  expect(await find(image, 'oci:ghcr.io/team/server:1')).toMatchObject({
    version: 'bbbbbbbbbbbb',
    package: moved,
  })
  expect(await find(image, 'oci:ghcr.io/team/server')).toMatchObject({ package: moved })
  expect(await find(moved, 'oci:ghcr.io/team/server:1')).toBeNull()
  expect(await find(image, `oci:ghcr.io/team/server@${image.digest}`)).toBeNull()
  expect(await find(image, 'oci:ghcr.io/else/where:1')).toBeNull()
  expect(await find(image, null)).toBeNull()
  expect(await versions().at('ws', image, '2', signal)).toEqual(moved)
  expect(await versions().at('ws', image, image.digest, signal)).toEqual({ ...moved, digest: image.digest })
})
