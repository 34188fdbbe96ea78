import { readFile } from 'node:fs/promises'
import { parseEnv } from 'node:util'
import { CatwalkError, quoted } from '../domain/index.ts'
import { askHidden, readAll } from './input.ts'
import type { CliHost, Output } from './output.ts'

/**
 * The variables of a deployment: those of the file, then those of `--env`, which win.
 * `NAME=value` is taken as it is, `NAME` from the CLI's own environment, `NAME=-` from standard input.
 * @throws CatwalkError `invalid_request` when a value cannot be had
 */
export async function readVariables(
  flags: readonly string[],
  file: string | undefined,
  host: CliHost,
  output: Output,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const variables = file === undefined ? {} : await readEnvFile(file, output)
  let stdinTaken = false
  for (const flag of flags) {
    const equals = flag.indexOf('=')
    const name = equals === -1 ? flag : flag.slice(0, equals)
    if (name === '') throw problem(`${quoted(flag)} has no name before the equals sign.`)
    if (equals === -1) {
      const value = host.env[name]
      if (value === undefined || value === '') {
        throw problem(`${quoted(name)} has no value in the environment of this command.`)
      }
      variables[name] = value
    } else if (flag.slice(equals + 1) === '-') {
      if (stdinTaken) throw problem('Only one variable can be read from standard input.')
      stdinTaken = true
      variables[name] = await readSecret(name, host, signal)
    } else {
      variables[name] = flag.slice(equals + 1)
    }
  }
  return variables
}

async function readEnvFile(path: string, output: Output): Promise<Record<string, string>> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw problem(`The file ${quoted(path)} cannot be read.`, error)
  })
  const variables: Record<string, string> = {}
  for (const [name, value] of Object.entries(parseEnv(text))) {
    // Templates list what could be set; an empty value given on would hide the server's own default.
    if (value === undefined || value === '')
      output.note(`${quoted(name)} in ${quoted(path)} is empty and left out.`)
    else variables[name] = value
  }
  return variables
}

async function readSecret(name: string, host: CliHost, signal: AbortSignal): Promise<string> {
  if (host.stdin.isTTY === true) return askHidden(host, `Value of ${name} (not shown): `, signal)
  return (await readAll(host.stdin, signal)).replace(/\r?\n$/, '')
}

function problem(message: string, cause?: unknown): CatwalkError {
  return new CatwalkError('invalid_request', message, {
    help: 'Give variables as NAME=value, NAME (from the environment), NAME=- (from standard input), or in a file with --env-file.',
    details: { field: 'env' },
    cause,
  })
}
