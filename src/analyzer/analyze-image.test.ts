import { expect, test } from 'vitest'
import { NOTHING_FOUND, type Analysis, type ImageInfo } from '../domain/index.ts'
import { analyzeImage, onlyPort, withRepository } from './analyze-image.ts'

const DIGEST = `sha256:${'0'.repeat(64)}`
const image = (changes: Partial<ImageInfo> = {}): ImageInfo => ({
  registry: 'ghcr.io',
  repository: 'team/server',
  tag: '1',
  digest: DIGEST,
  platforms: ['linux/amd64'],
  environment: ['PATH=/usr/bin', 'NODE_VERSION=24.1.0', 'API_TOKEN=', 'REGION=eu'],
  entrypoint: ['/server'],
  command: ['stdio'],
  labels: { 'org.opencontainers.image.licenses': 'MIT' },
  ports: [],
  createdAt: null,
  compressedBytes: 1,
  ...changes,
})
const asked = { url: 'oci:ghcr.io/team/server', port: null }

test('an image is started as it says itself, pinned by its digest', () => {
  const { launch, verdict, about } = analyzeImage(image(), asked)
  expect(launch).toEqual({
    package: { registry: 'oci', name: 'ghcr.io/team/server', version: DIGEST },
    command: '/server',
    args: ['stdio'],
    transport: 'stdio',
  })
  expect(verdict).toBe('deployable')
  expect(about).toMatchObject({ license: 'MIT', integrity: DIGEST })
})

test('variables that an image sets are offered with their values, those of its platform are not', () => {
  const { env } = analyzeImage(image(), asked)
  expect(env.map((one) => [one.name, one.secret, one.default])).toEqual([
    ['API_TOKEN', true, null],
    ['REGION', false, 'eu'],
  ])
})

test('an image that starts nothing is no server', () => {
  expect(analyzeImage(image({ entrypoint: [], command: [] }), asked).verdict).toBe('not_a_server')
})

/** As a README asks for it. */
const wanted = (name: string) => ({
  name,
  required: true,
  secret: false,
  default: null,
  description: 'From the README',
  format: 'text' as const,
  choices: [],
  helpUrl: null,
  confidence: 0.9,
  evidence: [],
})

test('what its repository demands is asked for, unless the image sets it', () => {
  const files: Analysis = {
    ...NOTHING_FOUND,
    source: { kind: 'github', url: '', commit: null, path: '' },
    verdict: 'needs_input',
    reason: 'why',
    env: [wanted('API_TOKEN'), wanted('REGION')],
  }
  const { env, verdict, launch } = withRepository(analyzeImage(image(), asked), files)
  expect(env.map(({ name, required, default: value }) => [name, required, value])).toEqual([
    ['API_TOKEN', true, null],
    ['REGION', false, 'eu'],
  ])
  expect(verdict).toBe('needs_input')
  expect(launch?.package.registry).toBe('oci')
})

test.each([
  [['8080/tcp'], 8080],
  [['8080'], 8080],
  [['53/udp', '8080/tcp'], 8080],
  [['80/tcp', '443/tcp'], null],
  [[], null],
])('of the ports %j it is known by %s', (ports, port) => expect(onlyPort({ ports })).toBe(port))
