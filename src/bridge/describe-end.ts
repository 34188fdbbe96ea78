import { CatwalkError, type InstanceEnd } from '../domain/index.ts'

/** What callers are told who were waiting when their server ended. `end` is unknown while the process lingers. */
export function describeEnd(end: InstanceEnd | undefined): CatwalkError {
  if (end?.reason === 'out_of_memory') {
    return new CatwalkError(
      'server_out_of_memory',
      'The server ran out of memory before it answered.',
      details(end),
    )
  }
  const how =
    end === undefined
      ? 'closed its output'
      : end.reason === 'stopped'
        ? 'was stopped'
        : end.signal === null
          ? `ended with exit code ${end.exitCode ?? 'unknown'}`
          : `was ended by ${end.signal}`
  return new CatwalkError('server_exited', `The server ${how} before it answered.`, details(end))
}

function details(end: InstanceEnd | undefined): NonNullable<ConstructorParameters<typeof CatwalkError>[2]> {
  const help = 'Try again: the server is started again. Whether this call took effect is not known.'
  return end === undefined ? { help } : { help, details: { exitCode: end.exitCode, signal: end.signal } }
}
