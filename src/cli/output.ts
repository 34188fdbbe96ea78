import type { Readable } from 'node:stream'
import { styleText } from 'node:util'
import { toJson } from './clean-text.ts'

/** Where a command writes: a terminal, a pipe or a file. */
export type OutputStream = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number }

/** The world around the command line. */
export interface CliHost {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: OutputStream
  readonly stderr: OutputStream
}

type Style = Parameters<typeof styleText>[0]

/** How a command shows its result (standard output) and everything else (standard error). */
export interface Output {
  /** Whether the result is one JSON document. */
  readonly json: boolean
  /**
   * The result: the document with `--json`, else the text, which must be clean and end
   * without a line break.
   */
  result(document: unknown, text: () => string): void
  /** A line of the result while it grows. Only for commands without `--json`. */
  line(text: string): void
  /** For the person who watches; standard error. */
  note(text: string): void
  /** Colours for standard output; nothing when it is no terminal or NO_COLOR is set. */
  style(style: Style, text: string): string
  /** Colours for standard error. */
  noteStyle(style: Style, text: string): string
  /** Columns of the terminal on standard output, or null for a pipe or a file. */
  readonly columns: number | null
}

export function createOutput(host: CliHost, json: boolean): Output {
  const { stdout, stderr } = host
  return {
    json,
    columns: stdout.isTTY === true ? (stdout.columns ?? 80) : null,
    result(document, text) {
      const written = json ? toJson(document) : text()
      if (written !== '') stdout.write(`${written}\n`)
    },
    line(text) {
      stdout.write(`${text}\n`)
    },
    note(text) {
      stderr.write(`${text}\n`)
    },
    style: (format, text) => paint(stdout, format, text),
    noteStyle: (format, text) => paint(stderr, format, text),
  }
}

function paint(stream: OutputStream, format: Style, text: string): string {
  // styleText itself minds NO_COLOR and what the terminal can show.
  return stream.isTTY === true ? styleText(format, text, { stream }) : text
}
