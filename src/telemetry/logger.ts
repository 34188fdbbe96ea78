import { Writable } from 'node:stream'
import { pino, type Logger as PinoLogger } from 'pino'
import type { Logger } from '../domain/index.ts'
import { prettyLine } from './pretty.ts'

export interface LoggerOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly format: 'pretty' | 'json'
  /** Standard error by default: standard output belongs to what a command answers. */
  readonly output?: NodeJS.WritableStream
}

/**
 * The program's own log. A `Secret` in the fields prints as `[secret]` by itself; `err` and `error` are written with
 * stack and causes.
 */
export function createLogger(options: LoggerOptions): Logger {
  const output = options.output ?? process.stderr
  const destination = options.format === 'json' ? output : prettified(output)
  return adapt(
    pino(
      {
        level: options.level,
        base: null,
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
        serializers: { err: serializeError, error: serializeError },
      },
      destination,
    ),
  )
}

function prettified(output: NodeJS.WritableStream): Writable {
  const colours = 'isTTY' in output && output.isTTY === true
  return new Writable({
    decodeStrings: false,
    write(line: string, _encoding, done) {
      output.write(prettyLine(line, colours))
      done()
    },
  })
}

function adapt(logger: PinoLogger): Logger {
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    child: (fields) => adapt(logger.child(fields)),
  }
}

/** What helps to find the cause. Other properties of an error may hold what a library was given, secrets included. */
function serializeError(value: unknown): unknown {
  if (!(value instanceof Error)) return value
  return {
    type: value.name,
    message: value.message,
    ...('code' in value ? { code: value.code } : {}),
    stack: value.stack,
    ...(value.cause === undefined ? {} : { cause: serializeError(value.cause) }),
  }
}
