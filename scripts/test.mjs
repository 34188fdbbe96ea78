// npm test: installs what is missing, Chromium included, and runs the tests. Arguments go to vitest.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root, setUpProgram } from './lib/set-up.mjs'
import { run, say, SetUpError } from './lib/step.mjs'
import {
  BROWSER,
  CLOCK,
  COMPOSE,
  CONTAINERS,
  DEBIAN,
  ensureSystemPrograms,
  IMAGE_REGISTRY,
  KERNEL,
  SANDBOX,
} from './lib/system.mjs'
import { runShown } from './lib/tool.mjs'

const chosen = process.argv.slice(2)
const choosesProject = chosen.some((arg) => arg === '--project' || arg.startsWith('--project='))
const everything = ['unit', 'integration', 'browser'].map((name) => `--project=${name}`)

await run(async () => {
  const withDocker = chosen.some((arg) => arg.endsWith('docker'))
  if (withDocker && process.getuid?.() !== 0) {
    say('The tests of the Docker runtime start an engine of their own, which only root can: left out.')
    return
  }
  const withBrowser = !choosesProject || chosen.some((arg) => arg.endsWith('browser'))
  const toType = await ensureSystemPrograms([
    SANDBOX,
    ...(withBrowser ? [BROWSER] : []),
    ...(chosen.some((arg) => arg.endsWith('faults')) ? [CLOCK] : []),
    ...(withDocker ? [COMPOSE, CONTAINERS, DEBIAN, IMAGE_REGISTRY, KERNEL] : []),
  ])
  if (toType !== null)
    throw new SetUpError(`The tests need programs that npm does not bring. Type:\n  ${toType}`)
  const node = await setUpProgram()

  const scratch = mkdtempSync(join(tmpdir(), 'catwalk-test-'))
  try {
    const report = join(scratch, 'report.json')
    const code = await runShown(
      node,
      [
        join(root, 'node_modules', 'vitest', 'vitest.mjs'),
        'run',
        ...(choosesProject ? [] : everything),
        // Coverage of a part of the tests says nothing.
        ...(chosen.length === 0 ? ['--coverage'] : []),
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${report}`,
        ...chosen,
      ],
      { cwd: root },
    )
    const { passed, failed } = count(report)
    say(`\n${passed} passed, ${failed} failed`)
    process.exitCode = code === 0 && failed > 0 ? 1 : code
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
})

/**
 * The part of vitest's JSON report that is read here.
 * @typedef {object} Report
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {{ status: string, assertionResults: { status: string }[] }[]} testResults
 */

/**
 * @param {string} path of vitest's JSON report
 * @returns {{ passed: number, failed: number }}
 */
function count(path) {
  try {
    const report = /** @type {Report} */ (JSON.parse(readFileSync(path, 'utf8')))
    // A file that fails before its first test counts as one.
    const brokenFiles = report.testResults.filter(
      (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
    )
    return { passed: report.numPassedTests, failed: report.numFailedTests + brokenFiles.length }
  } catch {
    return { passed: 0, failed: 1 }
  }
}
