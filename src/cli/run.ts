import type { CommanderError } from 'commander'
import { CatwalkError } from '../domain/index.ts'
import { readBridgeCommand } from './bridge-command.ts'
import { toJson } from './clean-text.ts'
import { createContext, type CommandContext, type CommonOptions } from './context.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { InterruptedError, toFailure } from './failure.ts'
import { createOutput, type CliHost } from './output.ts'
import type { Programs } from './programs.ts'
import { formatFailure } from './report.ts'

/**
 * Runs one command line to its end and tells the exit code. Never throws.
 * @param argv as in `process.argv`
 */
export async function runCli(
  argv: readonly string[],
  programs: Programs,
  host: CliHost = process,
): Promise<number> {
  const words = argv.slice(2)
  const json = asksForJson(words)
  let exitCode: ExitCode = EXIT.ok
  try {
    const bridge = readBridgeCommand(words)
    if (bridge !== null) {
      await programs.bridge(bridge)
      return exitCode
    }
    const { createProgram } = await import('./program.ts')
    const program = createProgram({
      programs,
      host,
      json,
      // The configuration is loaded for the one command whose flags it describes.
      serveFlags: words.includes('serve') ? await programs.serveFlags() : [],
      async run(options, action) {
        exitCode = await runAction(host, options, programs, action)
      },
    })
    if (words.length === 0) program.outputHelp()
    else await program.parseAsync(words, { from: 'user' })
  } catch (error) {
    return reportFailure(error, host, json)
  }
  return exitCode
}

type Action = (context: CommandContext) => Promise<ExitCode | void>

async function runAction(
  host: CliHost,
  options: CommonOptions,
  programs: Programs,
  action: Action,
): Promise<ExitCode> {
  const controller = new AbortController()
  const interrupt = () => controller.abort(new InterruptedError())
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  // The reader of our output may go away, as `head` does when it has enough.
  host.stdout.once('error', interrupt)
  try {
    const context = createContext(host, options, (dataDir) => programs.locate(dataDir), controller.signal)
    return (await action(context)) ?? EXIT.ok
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
    host.stdout.off('error', interrupt)
  }
}

function reportFailure(error: unknown, host: CliHost, json: boolean): ExitCode {
  if (isCommanderError(error)) return reportUsage(error, host, json)
  if (error instanceof InterruptedError) return EXIT.interrupted
  const failure = toFailure(error)
  const output = createOutput(host, json)
  if (json) host.stdout.write(`${toJson(failure.body)}\n`)
  else output.note(formatFailure(failure, (style, text) => output.noteStyle(style, text)))
  return failure.exitCode
}

// By name, so that what fails without commander does not have to load it.
function isCommanderError(error: unknown): error is CommanderError {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('commander.')
}

/** Commander has written help, the version or what is wrong itself; only a document is still due. */
function reportUsage(error: CommanderError, host: CliHost, json: boolean): ExitCode {
  if (error.exitCode === 0) return EXIT.ok
  if (json) {
    const body = new CatwalkError('invalid_request', error.message.replace(/^error: /, ''), {
      help: 'See what the command takes with --help.',
    }).toBody()
    host.stdout.write(`${toJson(body)}\n`)
  }
  return EXIT.usage
}

/** Known before the command line is parsed, because a command line that is wrong is answered in JSON as well. */
function asksForJson(words: readonly string[]): boolean {
  const end = words.indexOf('--')
  return words.slice(0, end === -1 ? words.length : end).includes('--json')
}
