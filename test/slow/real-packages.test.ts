import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chooseExecutable, type Instance } from '../../src/domain/index.ts'
import { createNpmIndex, loadNpmConfiguration } from '../../src/packages/index.ts'
import { CALLER, releaseOf } from '../runtimes/release.ts'
import { startLocalRuntime, type LocalRuntimeUnderTest } from '../runtimes/local-runtime.ts'

// Published servers from the registry that this host's npm is configured for.

const never = new AbortController().signal
const npm = () => loadNpmConfiguration(process.env)
let subject: LocalRuntimeUnderTest

beforeAll(async () => {
  subject = await startLocalRuntime({ npm })
})
afterAll(async () => {
  await subject[Symbol.asyncDispose]()
})

async function deploy(name: string, args: readonly string[]): Promise<Instance & AsyncDisposable> {
  const info = await createNpmIndex({ configuration: npm }).resolve(name, null, never)
  const executable = chooseExecutable(info, null)
  const { version, integrity } = info
  const release = releaseOf({ kind: 'npm', name, version, integrity, executable }, { args })
  const { lockFile } = await subject.runtime.prepare(release.prepare, never)
  const instance = await subject.runtime.start(release.start(lockFile), never)
  return {
    ...instance,
    [Symbol.asyncDispose]: async () => {
      await instance.stop(1_000)
      await subject.runtime.purge(release.prepare.deploymentId, never)
    },
  }
}

describe.each([
  {
    name: '@modelcontextprotocol/server-memory',
    args: [],
    tool: 'read_graph',
    input: {},
    answer: 'entities',
  },
  {
    name: '@modelcontextprotocol/server-filesystem',
    args: ['/home/server'],
    tool: 'list_allowed_directories',
    input: {},
    answer: '/home/server',
  },
  {
    name: '@modelcontextprotocol/server-everything',
    args: [],
    tool: 'echo',
    input: { message: 'grüezi' },
    answer: 'grüezi',
  },
])('$name', ({ name, args, tool, input, answer }) => {
  test('is installed, started, listed and called', { timeout: 120_000 }, async () => {
    await using instance = await deploy(name, args)
    const manifest = await instance.endpoint.probe(AbortSignal.timeout(30_000))
    expect(manifest.tools.map((offered) => offered['name'])).toContain(tool)
    const call = { name: tool, arguments: input }
    const result = await instance.endpoint.request('tools/call', call, CALLER, AbortSignal.timeout(30_000))
    expect(JSON.stringify(result)).toContain(answer)
  })
})
