import { CatwalkError, type NpmPackage } from '../../../../domain/index.ts'
import type { ProcessEnd } from '../../process.ts'

// Codes of Node that npm passes on when it cannot talk to the registry
const UNREACHABLE = new Set([
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'ERR_SOCKET_TIMEOUT',
  'ETIMEDOUT',
])

/** The error that npm's last lines amount to. */
export function npmFailure(spec: NpmPackage, lines: readonly string[], end: ProcessEnd): CatwalkError {
  const label = `${spec.name}@${spec.version}`
  if (end.outOfMemory)
    return new CatwalkError('install_failed', `The installation of ${label} ran out of memory.`)
  const errors = lines.flatMap((line) => /^npm (?:error|ERR!) (.+)$/.exec(line)?.[1] ?? [])
  const code = errors.map((line) => /^code (\S+)$/.exec(line)?.[1]).find((found) => found !== undefined)
  // The same codes mean a missing dependency when they name another package.
  if ((code === 'E404' || code === 'ETARGET') && errors.some((line) => line.includes(label))) {
    return new CatwalkError('package_not_found', `The registry has no ${label}.`)
  }
  if (code !== undefined && UNREACHABLE.has(code)) {
    return new CatwalkError('package_index_unavailable', `The package registry cannot be reached (${code}).`)
  }
  const detail = errors.find((line) => !/^(?:code |path |command failed|A complete log|Log files)/.test(line))
  const ending = end.signal ?? `exit code ${end.exitCode ?? 'unknown'}`
  return new CatwalkError(
    'install_failed',
    `${label} could not be installed: ${detail ?? `npm ended with ${ending}`}${code === undefined ? '' : ` (${code})`}.`,
  )
}
