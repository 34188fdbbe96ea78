import { cleanLine } from './clean-text.ts'
import type { ErrorBody, Failure } from './failure.ts'
import type { Output } from './output.ts'

type Paint = Output['style']

/** How a failure is told to a person. */
export function formatFailure({ body, postMortem }: Failure, paint: Paint): string {
  return formatPostMortem(body, postMortem ?? { exitCode: null, signal: null, lastLines: [] }, paint)
}

/** An error with its help and, for a server that ended, its exit code and last output. */
export function formatPostMortem(
  { error, message, help }: Pick<ErrorBody, 'error' | 'message' | 'help'>,
  { exitCode, signal, lastLines }: NonNullable<Failure['postMortem']>,
  paint: Paint,
): string {
  const ending = signal !== null ? `Ended by ${signal}.` : exitCode !== null ? `Exit code ${exitCode}.` : null
  return [
    `${paint('red', `Error (${cleanLine(error)}):`)} ${cleanLine(message)}`,
    cleanLine(help),
    ...(ending === null ? [] : [cleanLine(ending)]),
    ...(lastLines.length === 0 ? [] : ['Last output:']),
    ...lastLines.map(({ line }) => paint('dim', `  ${cleanLine(line)}`)),
  ].join('\n')
}
