import { readdir, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { createLocalRuntime, type LocalRuntimeOptions } from '../../src/runtimes/local/index.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { until } from '../support/until.ts'
import { evaluate, releaseOf, type Release } from './release.ts'
import { startLocalRuntime, type LocalRuntimeUnderTest } from './local-runtime.ts'

const never = new AbortController().signal
const DAY_MS = 86_400_000
let subject: LocalRuntimeUnderTest
afterEach(() => subject[Symbol.asyncDispose]())

type InUse = Awaited<ReturnType<NonNullable<LocalRuntimeOptions['releasesInUse']>>>

const inUse = ({ prepare }: Release, lockFile: string): InUse[number] => ({
  workspaceId: prepare.workspaceId,
  spec: prepare.spec,
  settings: prepare.settings,
  lockFile,
})

const stored = async (): Promise<readonly string[]> =>
  (await readdir(join(subject.dataDir, 'store'))).map((key) => /^[a-z-]+?(?=-1\.0\.0)/.exec(key)?.[0] ?? key)

/** Makes what is installed now look as if nobody had used it for so many days. */
async function age(days: number): Promise<void> {
  const store = join(subject.dataDir, 'store')
  const at = new Date(Date.now() - days * DAY_MS)
  for (const key of await readdir(store)) await utimes(join(store, key), at, at)
}

test('when the store is too large, what no release needs and nobody holds goes; what is needed, held or recent stays', async () => {
  let used: InUse = []
  const options = { storeMiB: 0.01, releasesInUse: async () => used }
  subject = await startLocalRuntime(options)
  const { runtime } = subject
  // The one that is needed is also the one that was used the longest time ago.
  const needed = releaseOf(subject.packageOf('fixture-stubborn', 'fixture-stubborn'))
  const first = await runtime.prepare(needed.prepare, never)
  used = [inUse(needed, first.lockFile)]
  await age(3)
  const held = releaseOf(subject.packageOf('@fixture/evaluator', 'evaluator'))
  const second = await runtime.prepare(held.prepare, never)
  const instance = await runtime.start(held.start(second.lockFile), never)
  await age(2)
  const unused = releaseOf(subject.packageOf('fixture-flood', 'fixture-flood'))
  const third = await runtime.prepare(unused.prepare, never)
  // Just installed, so it stays, whatever it is for.
  expect((await stored()).toSorted()).toEqual(['fixture-evaluator', 'fixture-flood', 'fixture-stubborn'])
  await age(1)

  const last = releaseOf(subject.packageOf('fixture-exits', 'fixture-exits'))
  await runtime.prepare(last.prepare, never)
  await until('what is not needed is gone', async () =>
    (await stored()).includes('fixture-flood') ? null : true,
  )
  expect((await stored()).toSorted()).toEqual(['fixture-evaluator', 'fixture-exits', 'fixture-stubborn'])
  expect(
    await evaluate(instance, "return require('fs').readdirSync('/opt/catwalk/package').length > 0"),
  ).toBe(true)
  // It is counted when its files are gone, which is after its name is.
  await until('it is counted', () => (runtime.storeUse?.().evicted === 1 ? true : null))
  expect(runtime.storeUse?.()).toMatchObject({ storeLimitMiB: 0.01 })
  expect((await catwalkErrorOf(runtime.start(unused.start(third.lockFile), never))).code).toBe(
    'install_failed',
  )
  // From its lock file it is what it was.
  expect(await runtime.prepare({ ...unused.prepare, lockFile: third.lockFile }, never)).toMatchObject({
    lockFile: third.lockFile,
    fromStore: false,
  })
  await instance.stop(500)
})

test('what a killed program was removing is swept, and an entry is whole or not there', async () => {
  subject = await startLocalRuntime()
  const release = releaseOf(subject.packageOf('@fixture/evaluator', 'evaluator'))
  const { lockFile } = await subject.runtime.prepare(release.prepare, never)
  await age(1)
  // The next run of the program has a budget, and finds too much.
  const next = createLocalRuntime({ ...subject.options, storeMiB: 0.001, releasesInUse: async () => [] })
  expect(await next.status(never)).toMatchObject({ ok: true })
  await until('it is gone', async () => ((await stored()).length === 0 ? true : null))
  await until('and so is what it became', async () =>
    (await readdir(join(subject.dataDir, 'tmp'))).length === 0 ? true : null,
  )
  expect((await catwalkErrorOf(next.start(release.start(lockFile), never))).code).toBe('install_failed')
})

test('when it cannot be told which releases are in use, nothing is removed', async () => {
  subject = await startLocalRuntime({
    storeMiB: 0.001,
    releasesInUse: async () => {
      throw new Error('the database is away')
    },
  })
  const { runtime } = subject
  await runtime.prepare(releaseOf(subject.packageOf('@fixture/evaluator', 'evaluator')).prepare, never)
  await age(1)
  await runtime.prepare(releaseOf(subject.packageOf('fixture-exits', 'fixture-exits')).prepare, never)
  await until('it was looked', () => ((runtime.storeUse?.().storeMiB ?? 0) > 0 ? true : null))
  expect((await stored()).toSorted()).toEqual(['fixture-evaluator', 'fixture-exits'])
})

test('once the program ends, nothing is measured any more', async () => {
  const stop = new AbortController()
  subject = await startLocalRuntime({ storeMiB: 1000, stop: stop.signal })
  const { runtime } = subject
  const storeMiB = () => runtime.storeUse?.().storeMiB ?? -1
  const first = releaseOf(subject.packageOf('fixture-exits', 'fixture-exits'))
  await runtime.prepare(first.prepare, never)
  const measured = await until('it is measured', () => (storeMiB() > 0 ? storeMiB() : null))
  stop.abort()
  const second = releaseOf(subject.packageOf('@fixture/evaluator', 'evaluator'))
  await runtime.prepare(second.prepare, never)
  await delay(500)
  expect(storeMiB()).toBe(measured)
})
