import { createInterface } from 'node:readline/promises'
import { Writable, type Readable } from 'node:stream'
import { anySignal, CatwalkError } from '../domain/index.ts'
import type { CliHost } from './output.ts'

const LARGEST_INPUT_BYTES = 16 * 1024 * 1024

/** All of standard input as text. @throws CatwalkError `payload_too_large` over 16 MiB; the signal's reason */
export async function readAll(stdin: Readable, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  const stop = () => stdin.destroy()
  signal.addEventListener('abort', stop, { once: true })
  try {
    for await (const chunk of stdin) {
      const buffer = Buffer.from(chunk as Uint8Array | string)
      bytes += buffer.length
      if (bytes > LARGEST_INPUT_BYTES)
        throw new CatwalkError('payload_too_large', 'Standard input is too large.')
      chunks.push(buffer)
    }
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    signal.removeEventListener('abort', stop)
  }
  signal.throwIfAborted()
  return Buffer.concat(chunks).toString('utf8')
}

/** Asks on the terminal and waits for a line. */
export async function ask(host: CliHost, question: string, signal: AbortSignal): Promise<string> {
  return prompt(host, host.stderr, question, signal)
}

/** The same without showing what is typed. */
export async function askHidden(host: CliHost, question: string, signal: AbortSignal): Promise<string> {
  host.stderr.write(question)
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  try {
    return await prompt(host, nowhere, '', signal)
  } finally {
    host.stderr.write('\n')
  }
}

async function prompt(
  host: CliHost,
  output: NodeJS.WritableStream,
  question: string,
  signal: AbortSignal,
): Promise<string> {
  const lines = createInterface({ input: host.stdin, output, terminal: true })
  const interrupted = new AbortController()
  // In raw mode Ctrl-C is a key, not a signal.
  lines.once('SIGINT', () => interrupted.abort())
  lines.once('close', () => interrupted.abort())
  try {
    return await lines.question(question, { signal: anySignal([signal, interrupted.signal]) })
  } finally {
    lines.close()
  }
}
