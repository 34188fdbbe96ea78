import type { Problem } from './suite.ts'
import type { Fixture, Revision, Way } from './vocabulary.ts'

/** One requirement set over one fixture. */
export interface Run {
  readonly way: Way
  readonly fixture: Fixture
  readonly revision: Revision
  /** Scenarios that count. */
  readonly scored: number
  readonly problems: readonly Problem[]
  readonly seconds: number
}

/** A table of what passed, and below it each problem. */
export function describeRuns(runs: readonly Run[]): string {
  const lines = runs.map((run) => {
    const failed = new Set(run.problems.map(({ scenario }) => scenario))
    const passed = `${failed.has(null) ? 0 : run.scored - failed.size}/${run.scored}`
    return row(run.way, run.fixture, run.revision, passed, `${run.seconds.toFixed(0)} s`)
  })
  const problems = runs.flatMap(({ way, fixture, revision, problems: found }) =>
    found.map(({ scenario, status, message }) =>
      `${way}, ${fixture}, ${revision}: ${scenario ?? 'all'}: ${status} ${message}`.slice(0, 400),
    ),
  )
  const head = row('through', 'fixture', 'requirements', 'passed', 'took')
  return `${[head, ...lines, ...(problems.length > 0 ? ['', ...problems] : [])].join('\n')}\n`
}

function row(way: string, fixture: string, revision: string, passed: string, took: string): string {
  return [way.padEnd(10), fixture.padEnd(8), revision.padEnd(13), passed.padStart(6), took.padStart(6)].join(
    ' ',
  )
}
