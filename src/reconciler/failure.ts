import { queries } from '../db/index.ts'
import { CatwalkError, describeError, diskFull, missingVariables, type InstanceEnd } from '../domain/index.ts'
import type { Redactor } from '../domain/index.ts'

const KEPT_LINES = 60

/** What is known when a release failed. */
export interface Autopsy {
  readonly error: unknown
  /** How its process ended, if it did. */
  readonly end: InstanceEnd | null
  readonly given: ReadonlySet<string>
  readonly redact: Redactor
}

/** Makes the post-mortem that is kept with a failed release: code, message, fix, exit code and last output. */
export async function postMortem(
  db: queries.Handle,
  release: queries.ReleaseRow,
  { error, end, given, redact }: Autopsy,
): Promise<queries.ReleaseFailure> {
  const rows = await queries.lastLogLines(db, release.deployment_id, KEPT_LINES, release.id)
  const output = rows.filter((row) => row.stream !== 'system').map((row) => row.line)
  const { code, message, help } = explain(error, end, missingVariables(output, given))
  return {
    code,
    message: redact(message),
    help,
    exitCode: end?.exitCode ?? null,
    signal: end?.signal ?? null,
    lastLines: rows.map((row) => ({ at: row.at.toISOString(), stream: row.stream, line: row.line })),
  }
}

function explain(
  thrown: unknown,
  end: InstanceEnd | null,
  missing: readonly string[],
): Pick<queries.ReleaseFailure, 'code' | 'message' | 'help'> {
  const error = diskFull(thrown) ?? thrown
  if (!(error instanceof CatwalkError)) {
    return { code: 'internal', message: 'Catwalk could not go on.', help: describeError('internal').help }
  }
  if (end?.reason === 'out_of_memory') {
    const { help } = describeError('server_out_of_memory')
    return { code: 'server_out_of_memory', message: 'The server needed more memory than it may have.', help }
  }
  if (end?.reason === 'home_full') {
    const { title, help } = describeError('home_full')
    return { code: 'home_full', message: `${title}.`, help }
  }
  if (error.code === 'server_exited' && missing.length > 0) {
    const one = missing.length === 1
    return {
      code: 'missing_variable',
      message: `The server ended because ${list(missing)} ${one ? 'has no value' : 'have no values'}.`,
      help: `Deploy it again with ${one ? 'a value' : 'values'} for ${list(missing)}. Its documentation says where to find ${one ? 'it' : 'them'}.`,
    }
  }
  return { code: error.code, message: error.message, help: error.help }
}

function list(names: readonly string[]): string {
  return names.length <= 1 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`
}
