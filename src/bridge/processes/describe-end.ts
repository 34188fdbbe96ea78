import { CatwalkError, type InstanceEnd } from '../../domain/index.ts'

const TRY_AGAIN = 'Try again: the server is started again. Whether this call took effect is not known.'

/**
 * What callers are told who were waiting when their server ended.
 * @param end unknown while the process lingers
 * @param worked whether the server had answered the handshake before
 */
export function describeEnd(end: InstanceEnd | undefined, worked: boolean): CatwalkError {
  const options = {
    ...(worked ? { help: TRY_AGAIN } : {}),
    ...(end === undefined ? {} : { details: { exitCode: end.exitCode, signal: end.signal } }),
  }
  if (end?.reason === 'out_of_memory') {
    return new CatwalkError(
      'server_out_of_memory',
      'The server ran out of memory before it answered.',
      options,
    )
  }
  if (end?.reason === 'home_full') {
    return new CatwalkError('home_full', 'The server was ended because its home takes more than it may.', {
      details: { exitCode: end.exitCode, signal: end.signal },
    })
  }
  return new CatwalkError('server_exited', `The server ${manner(end)} before it answered.`, options)
}

function manner(end: InstanceEnd | undefined): string {
  if (end === undefined) return 'closed its output'
  if (end.reason === 'stopped') return 'was stopped'
  return end.signal === null
    ? `ended with exit code ${end.exitCode ?? 'unknown'}`
    : `was ended by ${end.signal}`
}
