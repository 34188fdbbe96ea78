import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { newId, Secret, type Instance, type InstanceInput, type LaunchSpec } from '../../src/domain/index.ts'
import { evaluate, releaseOf } from '../runtimes/release.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { serverProgram, toolsNamed } from '../support/server-package.ts'
import { until } from '../support/until.ts'
import { startKubernetesRuntime, type KubernetesRuntimeUnderTest } from './kubernetes-runtime.ts'

const never = new AbortController().signal
const TOKEN = 'a-token-that-nobody-reads'
const RESOURCES = ['deployments', 'pods', 'services', 'secrets', 'networkpolicies']

/** Runs code that it is given, as the fixture of other runtimes. */
const ANSWERS = `
  'tools/list': ${toolsNamed('evaluate')},
  'tools/call': async ({ arguments: { code } }) => {
    const run = new (async () => undefined).constructor('require', 'process', code)
    return { content: [{ type: 'text', text: JSON.stringify((await run(require, process)) ?? null) }] }
  },
`
const STDIO = serverProgram('image', { begin: "console.error('the image starts')", answers: ANSWERS })
/** The same over HTTP, at a port. */
const HTTP = `
const answers = {
  initialize: ({ protocolVersion }) => ({ protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'image', version: '1' } }),
${ANSWERS}
}
require('node:http').createServer(async (req, res) => {
  if (req.method !== 'POST' || req.url !== '/mcp') return res.writeHead(405).end()
  let text = ''
  for await (const part of req) text += part
  const { id, method, params = {} } = JSON.parse(text)
  if (id === undefined) return res.writeHead(202).end()
  const body = answers[method] ? { result: await answers[method](params) } : { error: { code: -32601, message: 'no' } }
  res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, ...body }))
}).listen(8080, process.env.HOST, () => console.log('listening'))
`

let subject: KubernetesRuntimeUnderTest
beforeAll(async () => {
  subject = await startKubernetesRuntime()
  const { images } = subject.kubernetes.nodes
  const image = { entrypoint: ['/opt/node', '/app/server.cjs'], command: ['stdio'], workingDirectory: '/app' }
  images.set(reference('stdio'), { ...image, files: { 'server.cjs': STDIO } })
  images.set(reference('http'), { ...image, files: { 'server.cjs': HTTP } })
  images.set(reference('deaf'), { ...image, files: { 'server.cjs': 'setInterval(() => 0, 1000)' } })
})
afterAll(async () => {
  await subject[Symbol.asyncDispose]()
})

const digestOf = (name: string): string => `sha256:${Buffer.from(name).toString('hex').padEnd(64, '0')}`
const reference = (name: string): string => `registry.example/team/${name}@${digestOf(name)}`

function imageOf(name: string) {
  const release = releaseOf(
    {
      kind: 'oci',
      registry: 'registry.example',
      repository: `team/${name}`,
      digest: digestOf(name),
      program: ['/opt/node', '/app/server.cjs'],
    },
    { network: 'internet', args: ['--verbose'] },
  )
  const spec: LaunchSpec = {
    ...release.prepare.spec,
    variables: [{ name: 'API_TOKEN', description: null, required: true, secret: true, default: null }],
    ...(name === 'stdio' ? {} : { transport: { kind: 'port', port: 8080, path: '/mcp' } }),
  }
  const start = (changes: Partial<InstanceInput> = {}): InstanceInput =>
    release.start('', { spec, credentials: new Map([['API_TOKEN', new Secret(TOKEN)]]), ...changes })
  return { lines: release.lines, start, prepare: { ...release.prepare, spec } }
}

const linesOf = ({ lines }: ReturnType<typeof imageOf>): string =>
  lines.map(({ stream, line }) => `${stream} ${line}`).join('\n')

async function isEmpty(): Promise<void> {
  await until('nothing is left', () =>
    RESOURCES.every((resource) => subject.kubernetes.objects(resource).length === 0) ? true : null,
  )
}

async function over(image: ReturnType<typeof imageOf>, instance: Instance): Promise<void> {
  await instance.stop(500)
  await subject.runtime.purge(image.prepare.deploymentId, never)
  await isEmpty()
  expect(subject.kubernetes.violations).toEqual([])
}

afterEach(async () => {
  // Of a test that failed, so that the next one begins with nothing.
  const left = subject.kubernetes.objects('deployments')
  for (const id of new Set(left.map(({ metadata }) => metadata.labels?.['catwalk/deployment'] ?? '')))
    await subject.runtime.purge(id, never)
})

test('an image that speaks over its standard streams answers, with its words, variables and home, and its output is logged', async () => {
  const { runtime, kubernetes } = subject
  const image = imageOf('stdio')
  await runtime.prepare(image.prepare, never)
  const instance = await runtime.start(image.start(), never)
  expect(await evaluate(instance, 'return 6 * 7')).toBe(42)
  const seen = `return [process.env.API_TOKEN, process.argv.slice(2), process.cwd(), process.env.HOME, process.getuid()]`
  expect(await evaluate(instance, seen)).toEqual([TOKEN, ['--verbose'], '/app', '/home/server', 10_001])
  expect(linesOf(image)).toContain('stderr the image starts')
  // It is in no object that who may look at pods may read, and in no Secret any more.
  await until('the secret is gone', () => (kubernetes.objects('secrets').length === 0 ? true : null))
  for (const resource of RESOURCES) expect(JSON.stringify(kubernetes.objects(resource))).not.toContain(TOKEN)
  // Nobody needs to reach it over the network.
  expect(kubernetes.objects('networkpolicies')).toMatchObject([{ spec: { ingress: [] } }])
  await over(image, instance)
})

test('large messages pass both ways', async () => {
  const image = imageOf('stdio')
  const instance = await subject.runtime.start(image.start(), never)
  const letters = 3_000_000
  const text = 'x'.repeat(letters)
  expect(await evaluate(instance, `return '${text}'.length`)).toBe(letters)
  expect(await evaluate(instance, `return 'y'.repeat(${letters})`)).toHaveLength(letters)
  await over(image, instance)
})

test('an image that ends by itself is told as such, with its exit code', async () => {
  const image = imageOf('stdio')
  const instance = await subject.runtime.start(image.start({ processes: 'shared' }), never)
  expect(await evaluate(instance, 'setTimeout(() => process.exit(3), 50)')).toBeNull()
  expect(await instance.ended).toEqual({ reason: 'exited', exitCode: 3, signal: null })
  await over(image, instance)
})

test('when the way to its streams breaks, callers are told, its pod is ended, and the next start has a new one', async () => {
  const { kubernetes, runtime } = subject
  const image = imageOf('stdio')
  const instance = await runtime.start(image.start(), never)
  expect(await evaluate(instance, 'globalThis.mark = 1; return 1')).toBe(1)
  const waiting = evaluate(instance, 'await new Promise(() => undefined)').catch((error: unknown) => error)
  kubernetes.cutAttachments()
  expect(String(await waiting)).toMatch(/ended|exit/)
  expect(await instance.ended).toMatchObject({ reason: 'exited' })
  await until('its pod is gone', () => (kubernetes.objects('pods').length === 0 ? true : null))
  const next = await runtime.start(image.start({ epoch: 2, instanceId: newId('instance') }), never)
  expect(await evaluate(next, 'return globalThis.mark ?? null')).toBeNull()
  // What it has answered is between it and its callers.
  expect(linesOf(image)).not.toContain('jsonrpc')
  await over(image, next)
})

test('an image with an HTTP port of its own is reached there, by nobody but who calls for Catwalk', async () => {
  const { kubernetes, runtime } = subject
  const image = imageOf('http')
  const instance = await runtime.start(image.start(), never)
  expect(await evaluate(instance, 'return process.env.API_TOKEN')).toBe(TOKEN)
  expect(kubernetes.objects('networkpolicies')).toMatchObject([
    {
      spec: {
        ingress: [{ from: [{ ipBlock: { cidr: '127.0.0.0/8' } }], ports: [{ protocol: 'TCP', port: 8080 }] }],
      },
    },
  ])
  // Its output is only read; the server goes on while nobody does.
  kubernetes.cutAttachments()
  expect(await evaluate(instance, 'return 1')).toBe(1)
  await over(image, instance)
})

test('an image with a port is refused where anybody in the cluster could call it', async () => {
  await using other = await startKubernetesRuntime({ pods: { ...subject.options.pods, callers: null } })
  const error = await catwalkErrorOf(other.runtime.prepare(imageOf('http').prepare, never))
  expect([error.code, error.help]).toEqual([
    'runtime_unavailable',
    expect.stringContaining('CATWALK_KUBERNETES_CALLERS'),
  ])
})

test('an image that cannot be fetched, and one that opens no port, get errors that say so', async () => {
  const { runtime } = subject
  const missing = imageOf('missing')
  expect(await catwalkErrorOf(runtime.start(missing.start(), never))).toMatchObject({
    code: 'install_failed',
    message: expect.stringContaining('cannot fetch the image'),
  })
  const deaf = imageOf('deaf')
  // It may take a minute to open it.
  const error = await catwalkErrorOf(runtime.start(deaf.start(), never))
  expect(error).toMatchObject({ code: 'server_silent' })
  for (const { prepare } of [missing, deaf]) await runtime.purge(prepare.deploymentId, never)
  await isEmpty()
})

test('an earlier holder of the lease cannot start an image that a later one runs', async () => {
  const { runtime } = subject
  const image = imageOf('stdio')
  const instance = await runtime.start(image.start({ epoch: 2 }), never)
  const error = await catwalkErrorOf(
    runtime.start(image.start({ epoch: 1, instanceId: newId('instance') }), never),
  )
  expect(error.code).toBe('unavailable')
  expect(await evaluate(instance, 'return 1')).toBe(1)
  await over(image, instance)
})
