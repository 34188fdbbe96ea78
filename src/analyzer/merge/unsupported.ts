import type { AnalysedLaunch, AnalysisWarning } from '../../domain/index.ts'
import type { ProgramReading } from '../reading.ts'
import { signals } from './verdict.ts'

/** Why a server cannot be hosted, and what else its host must have. */
export function unsupportedReason(
  program: ProgramReading,
  launch: AnalysedLaunch,
): {
  readonly reason: string | null
  readonly warnings: readonly AnalysisWarning[]
} {
  const seen = new Set(signals(program).map((signal) => signal.signal))
  const warnings: AnalysisWarning[] = []
  let reason: string | null = null
  if (seen.has('desktop'))
    reason = 'It controls the desktop of the machine that it runs on, and a hosted server has none.'
  else if (seen.has('browser_extension'))
    reason = 'It drives your own browser through an extension, which a hosted server cannot reach.'
  else if (launch.package.registry === 'git' && launch.build === undefined)
    reason =
      program.project.ecosystem === 'go'
        ? 'It is written in Go, and Catwalk builds projects of Node.js and Python only. If it publishes an image, deploy that (oci:…) on the Docker runtime; if somebody runs it, paste its address.'
        : 'It is not published, and nothing in it says which of its files starts the server.'
  if (reason === null && seen.has('browser'))
    warnings.push({
      code: 'needs_browser',
      message: 'It starts a browser (Chromium), which must be on the machine that runs it.',
    })
  return { reason, warnings }
}
