import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Revision } from './vocabulary.ts'

const PACKAGE = fileURLToPath(
  new URL('../../node_modules/@modelcontextprotocol/conformance/', import.meta.url),
)
/** For one scenario, and for a whole set of them; a set takes half a minute on an idle machine. */
const SCENARIO_MS = 30_000
const SET_MS = 300_000

/** A check of a scenario that did not simply pass. */
export interface Problem {
  /** Null for all of them. */
  readonly scenario: string | null
  readonly status: string
  readonly message: string
}

/** The part of the suite's reports that is read here. */
interface Check {
  readonly id: string
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO'
  readonly errorMessage?: string
}

/** What a revision requires of a server, in the suite's own words. */
export function scoredScenarios(revision: Revision): string[] {
  const lines = readFileSync(join(PACKAGE, 'requirements', `${revision}.yaml`), 'utf8').split('\n')
  const from = lines.indexOf('server:') + 1
  const to = lines.findIndex((line, index) => index >= from && /^\S/.test(line))
  return lines.slice(from, to).flatMap((line) => /^ {2}- (\S+)/.exec(line)?.[1] ?? [])
}

/**
 * Runs what a revision requires against a server, with reports in a directory of its own.
 * @returns what is wrong: a scored scenario counts as passed only if each of its checks succeeded
 */
export async function runSuite(url: string, revision: Revision, reports: string): Promise<Problem[]> {
  const program = join(PACKAGE, 'dist', 'index.js')
  const words = ['server', '--url', url, '--requirements', revision, '--timeout', String(SCENARIO_MS)]
  const output = await new Promise<string>((resolve) => {
    const args = [program, ...words, '--output-dir', reports]
    // Its exit code forgives warnings and skips, so the reports decide.
    execFile(process.execPath, args, { timeout: SET_MS, maxBuffer: 64 * 1_048_576 }, (_, stdout, stderr) =>
      resolve(stdout + stderr),
    )
  })
  const checks = readReports(reports)
  return scoredScenarios(revision).flatMap((scenario) => {
    const found = checks.get(scenario)
    if (found === undefined) {
      return [{ scenario, status: 'MISSING', message: `There is no report. ${output.slice(-300)}` }]
    }
    if (!found.some(({ status }) => status === 'SUCCESS')) {
      return [{ scenario, status: 'EMPTY', message: 'Nothing was checked.' }]
    }
    return found
      .filter(({ status }) => status !== 'SUCCESS' && status !== 'INFO')
      .map(({ id, status, errorMessage }) => ({ scenario, status, message: `${id}: ${errorMessage ?? ''}` }))
  })
}

/** @returns the checks of each scenario that left a report */
function readReports(directory: string): Map<string, readonly Check[]> {
  const found = new Map<string, readonly Check[]>()
  for (const name of existsSync(directory) ? readdirSync(directory) : []) {
    const scenario = /^server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/.exec(name)?.[1]
    const file = join(directory, name, 'checks.json')
    // Written by the suite, in the form that its documentation gives.
    if (scenario !== undefined && existsSync(file))
      found.set(scenario, JSON.parse(readFileSync(file, 'utf8')) as Check[])
  }
  return found
}
