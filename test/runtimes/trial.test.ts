import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  newId,
  type AnalysedArgument,
  type AnalysedVariable,
  type Trial,
  type TrialInput,
} from '../../src/domain/index.ts'
import { startLocalRuntime, type LocalRuntimeUnderTest } from './local-runtime.ts'
import { strayProcesses } from '../support/processes.ts'

const never = new AbortController().signal
let subject: LocalRuntimeUnderTest
beforeAll(async () => {
  subject = await startLocalRuntime()
})
afterAll(async () => {
  await subject[Symbol.asyncDispose]()
})

function variable(name: string, changes: Partial<AnalysedVariable> = {}): AnalysedVariable {
  return {
    name,
    required: true,
    secret: true,
    default: null,
    description: null,
    format: 'text',
    choices: [],
    helpUrl: null,
    confidence: 1,
    evidence: [],
    ...changes,
  }
}

const SITE: AnalysedArgument = {
  name: '--site',
  position: null,
  required: true,
  secret: false,
  example: null,
  description: null,
  evidence: [],
}

async function tryFixture(name: string, changes: Partial<TrialInput> = {}): Promise<Trial> {
  return subject.runtime.tryOut(
    {
      workspaceId: newId('workspace'),
      package: subject.packageOf(name, name.split('/').at(-1) ?? name),
      args: [],
      variables: [],
      requiredOneOf: [],
      arguments: [],
      allowScripts: false,
      memoryMiB: 256,
      lockFile: null,
      limitMs: 20_000,
      output: () => undefined,
      ...changes,
    },
    never,
  )
}

/** Nothing of a trial is left: neither work, nor a process, nor a control group. */
async function nothingLeft(): Promise<void> {
  expect(await readdir(join(subject.dataDir, 'tmp'))).toEqual([])
  // What is new in the store is measured beside it, for a moment.
  expect(await strayProcesses(subject.dataDir)).toEqual([])
}

test('a server that wants nothing is booted bare, and what it offers and uses is recorded', async () => {
  const { proof, manifest, lockFile } = await tryFixture('@fixture/evaluator')
  expect(proof).toMatchObject({
    booted: true,
    boots: 1,
    neededPlaceholders: [],
    placeholders: [],
    hosts: [],
    failure: null,
  })
  expect(proof.initializeMs).toBeGreaterThan(0)
  expect(proof.peakMemoryMiB).toBeGreaterThan(5)
  expect(manifest?.tools.map(({ name }) => name)).toEqual(['evaluate'])
  expect(lockFile).toContain('lockfileVersion')
  await nothingLeft()
})

test('what a server demands is learned from its own words, in the form that it wants, and where it calls', async () => {
  const { proof, manifest } = await tryFixture('fixture-demanding', {
    variables: [
      variable('API_TOKEN'),
      variable('KEY_FILE', { required: false, format: 'file' }),
      variable('OPTIONAL_TOKEN', { required: false }),
    ],
    arguments: [SITE],
  })
  expect(proof.failure).toBeNull()
  expect(new Set(proof.neededPlaceholders)).toEqual(new Set(['API_TOKEN', 'KEY_FILE', '--site']))
  expect(proof.hosts).toEqual(['api.service.example:443'])
  expect(manifest?.tools).toHaveLength(1)
})

test('a server that misses its native module is said to need install scripts', async () => {
  const { proof, manifest } = await tryFixture('fixture-native')
  expect(proof).toMatchObject({
    booted: false,
    needsScripts: true,
    failure: { code: 'install_scripts_needed' },
  })
  expect(manifest).toBeNull()
})

test('a package that cannot be installed is proof enough, not an exception', async () => {
  const { proof, lockFile } = await tryFixture('fixture-library')
  expect(proof).toMatchObject({ booted: false, boots: 0, failure: { code: 'no_executable' } })
  expect(lockFile).toBeNull()
})

test('a server that ends at once leaves its last words', async () => {
  const { proof } = await tryFixture('fixture-exits')
  expect(proof.failure).toMatchObject({ code: 'server_exited' })
  expect(proof.failure?.lastLines).toContain('last words')
})

test('a server that only waits is given up before its time is over', async () => {
  const { proof } = await tryFixture('fixture-stubborn', { limitMs: 60_000 })
  expect(proof.failure).toMatchObject({
    code: 'server_silent',
    message: 'The server did not answer, and does nothing any more.',
  })
  await nothingLeft()
})

test.each([
  ['forks for ever', 'fixture-forks', 'server_silent', 1_000],
  ['prints without end', 'fixture-prints', 'server_not_mcp', 15_000],
  ['never answers and does not want to end', 'fixture-stubborn', 'server_silent', 800],
])('a server that %s is ended in time, and nothing of it is left', async (_what, name, code, limitMs) => {
  const { proof } = await tryFixture(name, { limitMs })
  expect(proof.failure?.code).toBe(code)
  await nothingLeft()
})

test('a trial that is given up ends at once with the reason of its signal', async () => {
  await tryFixture('fixture-stubborn', { limitMs: 1 })
  const stop = new AbortController()
  const input = { limitMs: 60_000, output: () => stop.abort(new Error('changed my mind')) }
  const trial = subject.runtime.tryOut(
    {
      workspaceId: newId('workspace'),
      package: subject.packageOf('fixture-stubborn', 'fixture-stubborn'),
      args: [],
      variables: [],
      requiredOneOf: [],
      arguments: [],
      allowScripts: false,
      memoryMiB: 256,
      lockFile: null,
      ...input,
    },
    stop.signal,
  )
  await expect(trial).rejects.toThrow('changed my mind')
  await nothingLeft()
})
