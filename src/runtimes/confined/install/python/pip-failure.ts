import { CatwalkError } from '../../../../domain/index.ts'
import type { StepResult } from '../run-step.ts'

const UNREACHABLE =
  /NewConnectionError|ProxyError|ConnectTimeout|ReadTimeout|Max retries exceeded|Tunnel connection failed/

/** The versions of Python that a package asks for, when pip says that ours is none of them. */
const OTHER_PYTHON = /Requires-Python ([^;\n]+)|requires a different Python: [\d.]+ not in '([^']+)'/

/** The error that pip's last lines amount to. `version` is that of its Python. */
export function pipFailure(
  label: string,
  allowScripts: boolean,
  { lines, end }: StepResult,
  version: string,
): CatwalkError {
  if (end.outOfMemory) return failed(`The installation of ${label} ran out of memory.`)
  const text = lines.join('\n')
  const other = OTHER_PYTHON.exec(text)
  if (other !== null) {
    const demanded = (other[1] ?? other[2] ?? '').trim()
    return new CatwalkError(
      'python_unavailable',
      `${label} needs Python ${demanded}; this machine has ${version}.`,
    )
  }
  if (text.includes('DO NOT MATCH THE HASHES')) {
    return failed(`What the index offers of ${label} is not what was locked: its hash differs.`)
  }
  const missing = /No matching distribution found for (\S+)/.exec(text)?.[1]
  if (missing !== undefined && UNREACHABLE.test(text)) return unreachable()
  if (missing !== undefined && !allowScripts) {
    return new CatwalkError(
      'install_failed',
      `The index has no built package (wheel) of ${missing} that fits.`,
      {
        help: 'If it is published as source only, allow install scripts: it is then built in the sandbox.',
      },
    )
  }
  if (missing !== undefined) return failed(`The index has no ${missing} that fits.`)
  if (UNREACHABLE.test(text)) return unreachable()
  const detail = lines
    .findLast((line) => /^ *(?:ERROR|error|\w+Error):/.test(line))
    ?.replace(/^ *ERROR: */, '')
  const ending = end.signal ?? `exit code ${end.exitCode ?? 'unknown'}`
  return failed(`${label} could not be installed: ${detail ?? `pip ended with ${ending}`}`)
}

function failed(message: string): CatwalkError {
  return new CatwalkError('install_failed', message)
}

function unreachable(): CatwalkError {
  return new CatwalkError('package_index_unavailable', 'The Python package index cannot be reached.')
}
