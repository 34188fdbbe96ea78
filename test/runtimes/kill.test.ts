import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createLocalRuntime } from '../../src/runtimes/local/index.ts'
import { processesMentioning } from '../support/processes.ts'
import { until } from '../support/until.ts'
import { startLocalRuntime, type LocalRuntimeUnderTest } from './local-runtime.ts'
import { evaluate, releaseOf } from './release.ts'

// The program that runs servers is ended by SIGKILL, which nothing can catch.

const PROGRAM = fileURLToPath(new URL('fixtures/runtime-program.ts', import.meta.url))
const never = new AbortController().signal
let subject: LocalRuntimeUnderTest
let program: ChildProcess

beforeEach(async () => {
  subject = await startLocalRuntime()
})
afterEach(async () => {
  program.kill('SIGKILL')
  await subject[Symbol.asyncDispose]()
})

function startProgram(): ChildProcess {
  const integrity = subject.registry.integrityOf('@fixture/evaluator', '1.0.0')
  program = spawn(process.execPath, [PROGRAM, subject.dataDir, subject.registry.url, integrity], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return program
}

async function kill(): Promise<void> {
  const gone = once(program, 'exit')
  program.kill('SIGKILL')
  await gone
}

async function untilNothingIsLeft(): Promise<void> {
  await until('every process of it is gone', async () =>
    (await processesMentioning(subject.dataDir)).length === 0 ? true : null,
  )
}

/** A new start of the program on the same directory installs and runs as if nothing had happened. */
async function expectItHeals(): Promise<void> {
  const runtime = createLocalRuntime(subject.options)
  const release = releaseOf(subject.packageOf('@fixture/evaluator', 'evaluator'))
  const { lockFile } = await runtime.prepare(release.prepare, never)
  expect(await readdir(join(subject.dataDir, 'tmp'))).toEqual([])
  expect(await readdir(join(subject.dataDir, 'store'))).toHaveLength(1)
  const instance = await runtime.start(release.start(lockFile), never)
  expect(await evaluate(instance, 'return 1')).toBe(1)
  await instance.stop(500)
}

test.each([
  ['while dependencies are resolved', /^fixture-helper$/],
  ['while packages are downloaded', /\.tgz$/],
])(
  'killed %s, it leaves no process and no half installation, and the next start heals',
  async (_when, path) => {
    const reached = Promise.withResolvers<void>()
    subject.registry.interfere((req, _res, answer) => {
      if (!path.test(decodeURIComponent(req.url ?? '').slice(1))) return answer()
      reached.resolve()
    })
    startProgram()
    await reached.promise
    await kill()
    await untilNothingIsLeft()
    expect(await readdir(join(subject.dataDir, 'store'))).toEqual([])
    subject.registry.interfere(null)
    await expectItHeals()
  },
)

test('killed while a server runs, it takes the server along, and the next start heals', async () => {
  const { stdout } = startProgram()
  if (stdout === null) throw new Error('the program has no output')
  await once(stdout, 'data')
  expect((await processesMentioning(subject.dataDir)).length).toBeGreaterThan(1)
  await kill()
  await untilNothingIsLeft()
  await expectItHeals()
})
