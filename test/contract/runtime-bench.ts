import { afterAll, beforeAll } from 'vitest'
import {
  describePackage,
  type Instance,
  type InstanceInput,
  type LaunchPackage,
  type Prepared,
  type Runtime,
} from '../../src/domain/index.ts'
import { releaseOf, type Release } from '../runtimes/release.ts'

/** A runtime, and the evaluator of test/runtimes/fixtures in the form in which it takes servers. */
export interface SetUp extends AsyncDisposable {
  readonly runtime: Runtime
  readonly evaluator: LaunchPackage
}

/** What tests of the contract share: one runtime for all of them, there once they run. */
export interface Bench<Subject extends SetUp> {
  readonly subject: Subject
  readonly runtime: Runtime
  /** A release of the narrowest network policy that the runtime knows. */
  readonly releaseOf: typeof releaseOf
  /** What the release's package was prepared to; it is prepared only the first time. */
  readonly prepared: (release: Release) => Promise<Prepared>
  readonly lockOf: (release: Release) => Promise<string>
  /** Starts a release; the instance is stopped and everything purged when it is disposed. */
  readonly run: (release: Release, changes?: Partial<InstanceInput>) => Promise<Instance & AsyncDisposable>
}

export const never = new AbortController().signal

/** Sets a runtime up for the tests of the suite in which it is called. */
export function createBench<Subject extends SetUp>(create: () => Promise<Subject>): Bench<Subject> {
  let made: Subject | null = null
  beforeAll(async () => {
    made = await create()
  })
  afterAll(async () => {
    await made?.[Symbol.asyncDispose]()
  })
  const known = new Map<string, Prepared>()

  const bench: Bench<Subject> = {
    get subject() {
      if (made === null) throw new Error('The runtime is there only once the tests run.')
      return made
    },
    get runtime() {
      return bench.subject.runtime
    },
    releaseOf: (packaged, options) =>
      releaseOf(packaged, {
        network: bench.runtime.supports.networkPolicies.includes('none') ? 'none' : 'internet',
        ...options,
      }),
    async prepared(release) {
      const { name } = describePackage(release.prepare.spec.package)
      const prepared = known.get(name) ?? (await bench.runtime.prepare(release.prepare, never))
      known.set(name, prepared)
      return prepared
    },
    lockOf: async (release) => (await bench.prepared(release)).lockFile,
    async run(release, changes = {}) {
      const input = release.start(await bench.lockOf(release), changes)
      const instance = await bench.runtime.start(input, never)
      return {
        ...instance,
        [Symbol.asyncDispose]: async () => {
          await instance.stop(500)
          await bench.runtime.purge(release.prepare.deploymentId, never)
        },
      }
    },
  }
  return bench
}
