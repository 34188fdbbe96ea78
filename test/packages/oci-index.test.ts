import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { OciSource } from '../../src/domain/index.ts'
import { createOciIndex } from '../../src/packages/index.ts'
import { startOciRegistry, type OciRegistry } from '../fakes/oci-registry.ts'
import { catwalkErrorOf } from '../support/errors.ts'

const never = new AbortController().signal
let registry: OciRegistry

beforeAll(async () => {
  registry = await startOciRegistry()
})
afterAll(() => registry[Symbol.asyncDispose]())
beforeEach(() => registry.interfere(null))

const image = (more: Partial<OciSource> = {}): OciSource => ({
  kind: 'oci',
  registry: registry.host,
  repository: 'team/server',
  tag: 'v1',
  digest: null,
  ...more,
})
const open = (more: object = {}) =>
  createOciIndex({ userAgent: 'test', plainRegistries: [registry.host], timeoutMs: 5_000, ...more })

test('an image is pinned to its digest and described by its configuration, with an anonymous token', async () => {
  const info = await open().resolve(image(), never)
  expect(info).toEqual({
    registry: registry.host,
    repository: 'team/server',
    tag: 'v1',
    digest: registry.digest,
    platforms: ['linux/amd64', 'linux/arm64'],
    environment: ['PATH=/usr/bin', 'PORT=8080'],
    entrypoint: ['/server'],
    command: ['stdio'],
    labels: { 'org.opencontainers.image.source': 'https://github.com/team/server' },
    ports: ['8080/tcp'],
    createdAt: new Date('2026-01-02T03:04:05Z'),
    compressedBytes: 1234,
  })
  expect(await open().resolve(image({ tag: null, digest: registry.digest }), never)).toMatchObject({
    digest: registry.digest,
  })
})

test.each([
  ['another tag', { tag: 'v2' }, 'package_not_found'],
  ['another repository', { repository: 'team/none' }, 'package_not_found'],
] as const)('%s is not there', async (_what, more, code) => {
  expect((await catwalkErrorOf(open().resolve(image(more), never))).code).toBe(code)
})

test('an image without our platform is said to have none', async () => {
  const other = open({ platform: { os: 'linux', architecture: 's390x' } })
  expect((await catwalkErrorOf(other.resolve(image(), never))).code).toBe('version_not_found')
})

test('content that does not have its digest is not believed', async () => {
  registry.interfere((req, res) => {
    if (req.url?.includes('/blobs/') !== true) return false
    res.end('{"config":{"Entrypoint":["/evil"]}}')
    return true
  })
  expect((await catwalkErrorOf(open().resolve(image(), never))).code).toBe('package_index_unavailable')
})

test('a registry inside is refused unless the operator runs it, and so is one that sends for its token inside', async () => {
  const strict = createOciIndex({ userAgent: 'test' })
  expect((await catwalkErrorOf(strict.resolve(image({ registry: '10.0.0.1:5000' }), never))).code).toBe(
    'source_refused',
  )
  registry.interfere((_req, res) => {
    res.writeHead(401, { 'www-authenticate': 'Bearer realm="https://169.254.169.254/token"' }).end()
    return true
  })
  expect((await catwalkErrorOf(open().resolve(image(), never))).code).toBe('source_refused')
})

test('while a registry is down, what it said before is served', async () => {
  const asked = open()
  const before = await asked.resolve(image(), never)
  registry.interfere((_req, res) => {
    res.writeHead(503).end()
    return true
  })
  expect(await asked.resolve(image(), never)).toEqual(before)
})
