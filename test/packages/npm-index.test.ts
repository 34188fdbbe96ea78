import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { PackageIndex } from '../../src/domain/index.ts'
import { createNpmIndex, loadNpmConfiguration } from '../../src/packages/index.ts'
import { startNpmRegistry, type NpmRegistry } from '../fakes/npm-registry.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { openSources, read } from '../sources/support.ts'

const never = new AbortController().signal
let registry: NpmRegistry

function indexFor(environment: Readonly<Record<string, string>>, timeoutMs = 5_000): PackageIndex {
  const configuration = () => loadNpmConfiguration({ npm_config_userconfig: '/nonexistent', ...environment })
  return createNpmIndex({ configuration, timeoutMs })
}

beforeAll(async () => {
  registry = await startNpmRegistry([
    {
      name: '@scope/server',
      version: '1.0.0',
      manifest: { bin: 'cli.js', deprecated: 'use 2' },
    },
    {
      name: '@scope/server',
      version: '2.0.0-beta.1',
      manifest: {
        description: 'A server',
        license: 'MIT',
        repository: {
          type: 'git',
          url: 'git+https://example.com/scope/server.git',
          directory: './packages/x/',
        },
        engines: { node: '>=22' },
        bin: { server: 'cli.js', admin: 'admin.js' },
        scripts: { postinstall: 'node x' },
      },
      publishedAt: '2026-05-06T07:08:09.000Z',
    },
  ])
})
afterAll(async () => {
  await registry[Symbol.asyncDispose]()
})
beforeEach(() => registry.interfere(null))

const index = (): PackageIndex => indexFor({ npm_config_registry: registry.url })

describe('a package', () => {
  test('is described by what the registry says of the version', async () => {
    expect(await index().resolve('@scope/server', null, never)).toEqual({
      name: '@scope/server',
      version: '2.0.0-beta.1',
      description: 'A server',
      integrity: registry.integrityOf('@scope/server', '2.0.0-beta.1'),
      executables: ['server', 'admin'],
      repository: 'git+https://example.com/scope/server.git',
      repositoryFolder: 'packages/x',
      nodeRange: '>=22',
      archive: {
        url: `${registry.url}@scope/server/-/server-2.0.0-beta.1.tgz`,
        format: 'tar.gz',
        integrity: registry.integrityOf('@scope/server', '2.0.0-beta.1'),
      },
      license: 'MIT',
      deprecated: null,
      publishedAt: new Date('2026-05-06T07:08:09.000Z'),
      hasInstallScripts: true,
      unpackedBytes: null,
    })
  })

  test('is found by exact version and by tag', async () => {
    const old = await index().resolve('@scope/server', '1.0.0', never)
    expect(old).toMatchObject({ version: '1.0.0', deprecated: 'use 2', executables: ['server'] })
    expect(await index().resolve('@scope/server', 'latest', never)).toMatchObject({ version: '2.0.0-beta.1' })
  })

  test('that does not exist is named as such', async () => {
    const error = await catwalkErrorOf(index().resolve('nonexistent', null, never))
    expect([error.code, error.message]).toEqual(['package_not_found', "There is no package 'nonexistent'."])
  })

  test.each(['3.0.0', 'next', '__proto__', 'constructor'])(
    'has no version %s, and that is said',
    async (version) => {
      const error = await catwalkErrorOf(index().resolve('@scope/server', version, never))
      expect(error.code).toBe('version_not_found')
    },
  )
})

describe('a registry', () => {
  test('that cannot be reached is unavailable', async () => {
    const error = await catwalkErrorOf(
      indexFor({ npm_config_registry: 'http://127.0.0.1:9/' }).resolve('x', null, never),
    )
    expect(error.code).toBe('package_index_unavailable')
  })

  test('that never answers is given up in time', async () => {
    registry.interfere(() => undefined)
    const slow = indexFor({ npm_config_registry: registry.url }, 300)
    const error = await catwalkErrorOf(slow.resolve('@scope/server', null, never))
    expect(error.code).toBe('package_index_unavailable')
  })

  test('that fails once is asked again', async () => {
    registry.interfere((_req, res) => {
      registry.interfere(null)
      res.writeHead(503).end()
    })
    expect(await index().resolve('@scope/server', '1.0.0', never)).toMatchObject({ version: '1.0.0' })
  })

  test.each(['not json', '[]', '{}', '{"versions":[]}'])('that answers %j is unavailable', async (body) => {
    registry.interfere((_req, res) => res.writeHead(200, { 'content-type': 'application/json' }).end(body))
    const error = await catwalkErrorOf(index().resolve('@scope/server', null, never))
    expect(error.code).toBe('package_index_unavailable')
  })

  test('is asked with the credentials that npm is configured for, and without them refuses', async () => {
    await using closed = await startNpmRegistry([{ name: '@private/x', version: '1.0.0' }], {
      token: 'tok3n',
    })
    const { host } = new URL(closed.url)
    const scoped = { 'npm_config_@private:registry': closed.url }
    const error = await catwalkErrorOf(indexFor(scoped).resolve('@private/x', null, never))
    expect([error.code, error.help]).toEqual([
      'package_index_unavailable',
      'Check the credentials in the npm configuration of the user that runs Catwalk.',
    ])
    const signedIn = indexFor({ ...scoped, [`npm_config_//${host}/:_authToken`]: 'tok3n' })
    expect(await signedIn.resolve('@private/x', null, never)).toMatchObject({ version: '1.0.0' })
  })

  test('that is down is answered for by what it said before', async () => {
    const asked = index()
    const before = await asked.resolve('@scope/server', '1.0.0', never)
    registry.interfere((_req, res) => res.writeHead(503).end())
    expect(await asked.resolve('@scope/server', '1.0.0', never)).toEqual(before)
  })

  test('gives the file of a package, and a snapshot of it', async () => {
    await using directory = await temporaryDirectory()
    using sources = await openSources(directory.path, { npm: index() })
    const found = await read(sources, 'npm:@scope/server@1.0.0')
    expect(found.pinned).toMatchObject({
      source: { version: '1.0.0' },
      content: registry.integrityOf('@scope/server', '1.0.0'),
    })
    expect(found.files).toHaveProperty('package.json')
  })

  test('a look-up that is given up ends with the reason of its signal', async () => {
    registry.interfere(() => undefined)
    const stop = new AbortController()
    const looking = index().resolve('@scope/server', null, stop.signal)
    stop.abort(new Error('changed my mind'))
    await expect(looking).rejects.toThrow('changed my mind')
  })
})
