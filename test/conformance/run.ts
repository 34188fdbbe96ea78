// npm run conformance: the official suite over our three fixture servers, through the bridge alone and through a
// deployed endpoint. Ends with an error unless every scenario that is scored passes without a warning or a skip.
//   --through bridge|endpoint   --fixture legacy|dual|modern   --requirements 2025-11-25|2026-07-28
//               each may be repeated; without one, all of its kind
//   --json      one JSON document instead of a table
//   --keep DIR  keeps the suite's own reports there
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runSuite, scoredScenarios } from './suite.ts'
import { describeRuns, type Run } from './table.ts'
import { openBridges } from './through-bridge.ts'
import { openEndpoints } from './through-endpoint.ts'
import { FIXTURES, REVISIONS, WAYS, type Opened, type Way } from './vocabulary.ts'

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

/** All that goes one way, one after the other: the suite's scenarios measure time-outs. */
async function runAll(way: Way): Promise<Run[]> {
  const runs: Run[] = []
  const open = way === 'bridge' ? openBridges : openEndpoints
  await using opened: Opened = await open(fixtures)
  for (const fixture of fixtures) {
    for (const revision of revisions) {
      const startedAt = performance.now()
      const url = await opened.url(fixture)
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

try {
  // Both ways come to their end even if one fails, so that nothing stays behind.
  const ended = await Promise.allSettled(ways.map(runAll))
  for (const way of ended) if (way.status === 'rejected') throw way.reason
  const runs = ended.flatMap((way) => (way.status === 'fulfilled' ? way.value : []))
  process.stdout.write(flags.json ? `${JSON.stringify(runs, null, 2)}\n` : describeRuns(runs))
  process.exitCode = runs.every(({ problems }) => problems.length === 0) ? 0 : 1
} finally {
  if (flags.keep === undefined) await rm(scratch, { recursive: true, force: true })
}
