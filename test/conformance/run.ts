// npm run conformance: the official suite over our three fixture servers, through the bridge alone and through an
// endpoint deployed on each runtime. Ends with an error unless every scenario that is scored passes without a warning
// or a skip. Without flags the bridge and `local` get all fixtures, and the other runtimes the one of both eras.
//   --through bridge|local|docker|fly|kubernetes|remote   --fixture legacy|dual|modern
//               each may be repeated; with one of the two, all of the other kind
//   --requirements 2025-11-25|2026-07-28
//   --json      one JSON document instead of a table
//   --keep DIR  keeps the suite's own reports there
// `docker` starts an engine of its own, for which dockerd must be there and this be run as root.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runSuite, scoredScenarios } from './suite.ts'
import { describeRuns, type Run } from './table.ts'
import { openBridges } from './through-bridge.ts'
import { openEndpoints } from './through-endpoint.ts'
import { FIXTURES, REVISIONS, RUNTIMES, WAYS, type Fixture, type Found, type Way } from './vocabulary.ts'

const { values: flags } = parseArgs({
  options: {
    through: { type: 'string', multiple: true },
    fixture: { type: 'string', multiple: true },
    requirements: { type: 'string', multiple: true },
    keep: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})

function chosen<T extends string>(
  kind: string,
  given: readonly string[] | undefined,
  all: readonly T[],
): T[] {
  const wrong = given?.find((value) => !all.some((known) => known === value))
  if (wrong !== undefined) throw new Error(`--${kind} is one of ${all.join(', ')}; not ${wrong}`)
  return all.filter((value) => given?.includes(value) ?? true)
}

const fixtures = chosen('fixture', flags.fixture, FIXTURES)
const revisions = chosen('requirements', flags.requirements, REVISIONS)
const ways = chosen('through', flags.through, WAYS)
const scratch = flags.keep ?? (await mkdtemp(join(tmpdir(), 'catwalk-conformance-')))

/**
 * What goes at the same time. A call of the modern era gets a process of a legacy server to itself, which the suite gives
 * 600 ms to start and to answer: not all at once, and those apart whose sessions get containers.
 */
const TURNS: readonly (readonly Way[])[] = [['bridge', 'local'], ['fly', 'kubernetes', 'remote'], ['docker']]
const isWanted = (way: Way): boolean => ways.includes(way)

/** A workspace may have no more analyses under way. */
const DEPLOYS_AT_ONCE = 3

const hasChoice = flags.through !== undefined || flags.fixture !== undefined
/** By what a server of its era alone adds: all runtimes but `local` hold the same bridge, further away. */
function fixturesFor(way: Way): readonly Fixture[] {
  return hasChoice || way === 'bridge' || way === 'local' ? fixtures : ['dual']
}

/** All that goes one way, one after the other: the suite's scenarios measure time-outs. */
async function runAll(way: Way, urlOf: (fixture: Fixture) => Promise<Found>): Promise<Run[]> {
  const runs: Run[] = []
  for (const fixture of fixturesFor(way)) {
    const url = await urlOf(fixture)
    for (const revision of revisions) {
      const startedAt = performance.now()
      const problems =
        typeof url === 'string'
          ? await runSuite(url, revision, join(scratch, way, fixture, revision))
          : [{ scenario: null, status: 'FAILURE', message: url.failed }]
      const seconds = (performance.now() - startedAt) / 1000
      runs.push({ way, fixture, revision, scored: scoredScenarios(revision).length, problems, seconds })
    }
  }
  return runs
}

/** All come to their end even if one fails, so that nothing stays behind. */
async function toTheirEnd<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const ended = await Promise.allSettled(work)
  for (const one of ended) if (one.status === 'rejected') throw one.reason
  return ended.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
}

async function runPlan(): Promise<Run[]> {
  const runtimes = RUNTIMES.filter((runtime) => ways.includes(runtime))
  const plan = new Map(runtimes.map((runtime) => [runtime, fixturesFor(runtime)]))
  await using bridges = await openBridges(ways.includes('bridge') ? fixturesFor('bridge') : [])
  await using endpoints = plan.size === 0 ? null : await openEndpoints(plan)
  // Before anything is measured: what a deployment takes of the machine would make servers late.
  const deploys = [...plan].flatMap(([runtime, all]) => all.map((fixture) => [runtime, fixture] as const))
  const queue = deploys.values()
  await toTheirEnd(
    Array.from({ length: DEPLOYS_AT_ONCE }, async () => {
      for (const [runtime, fixture] of queue) await endpoints?.url(runtime, fixture)
    }),
  )
  const run = async (way: Way): Promise<Run[]> =>
    runAll(way, async (fixture) =>
      way === 'bridge' || endpoints === null ? bridges.url(fixture) : endpoints.url(way, fixture),
    )
  const runs: Run[][] = []
  for (const together of TURNS) runs.push(...(await toTheirEnd(together.filter(isWanted).map(run))))
  for (const runtime of runtimes) {
    const wrong = endpoints?.violations(runtime) ?? []
    if (wrong.length > 0) throw new Error(`${runtime} was asked wrongly: ${wrong.join('; ')}`)
  }
  return runs.flat()
}

try {
  const runs = await runPlan()
  process.stdout.write(flags.json ? `${JSON.stringify(runs, null, 2)}\n` : describeRuns(runs))
  process.exitCode = runs.every(({ problems }) => problems.length === 0) ? 0 : 1
} finally {
  if (flags.keep === undefined) await rm(scratch, { recursive: true, force: true })
}
