import { describe, expect, test } from 'vitest'
import type { NpmPackage, Runtime } from '../../src/domain/index.ts'
import { everyRuntime } from './every-runtime.ts'
import { reachingRuntime, type ReachingSetUp } from './reaching-runtime.ts'
import { createBench, type Bench, type SetUp } from './runtime-bench.ts'
import { runningRuntime } from './running-runtime.ts'

/** One implementation under test. The packages are those of test/runtimes/fixtures/packages.ts. */
export interface RuntimeUnderTest extends AsyncDisposable {
  readonly runtime: Runtime
  /** The launch spec's package for a fixture, with the hash under which it was published. */
  packageOf(name: string, executable: string): NpmPackage
}

export interface InstallingSetUp extends SetUp, RuntimeUnderTest {
  readonly evaluator: NpmPackage
}

// What a runtime must do has two parts: one for all, and one of two others. A runtime either installs servers and runs
// them, or it only reaches those that someone else runs, and then nothing applies to it that is about packages, files,
// processes, memory or what a server prints. Which of the two it is, it declares by the packages that it takes.

/** What a runtime must do that runs servers, whatever it runs them on. */
export function runtimeContract(name: string, create: () => Promise<RuntimeUnderTest>): void {
  contract(name, {
    create: async (): Promise<InstallingSetUp> => {
      const made = await create()
      return { ...made, evaluator: made.packageOf('@fixture/evaluator', 'evaluator') }
    },
    runsServers: true,
    part: runningRuntime,
  })
}

/** What a runtime must do that only reaches servers which someone else runs. */
export function reachingContract(name: string, create: () => Promise<ReachingSetUp>): void {
  contract(name, { create, runsServers: false, part: reachingRuntime })
}

interface Contract<Subject extends SetUp> {
  readonly create: () => Promise<Subject>
  readonly runsServers: boolean
  readonly part: (bench: Bench<Subject>) => void
}

function contract<Subject extends SetUp>(
  name: string,
  { create, runsServers, part }: Contract<Subject>,
): void {
  describe(`the runtime contract on ${name}`, () => {
    const bench = createBench(create)
    test(`declares that it ${runsServers ? 'runs servers' : 'only reaches servers that someone else runs'}`, () => {
      const { packages } = bench.runtime.supports
      expect(packages.some((kind) => kind !== 'remote')).toBe(runsServers)
    })
    everyRuntime(bench)
    part(bench)
  })
}
