import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { runCli, type Programs } from '../../src/cli/index.ts'
import type { FakeApi } from '../fakes/api.ts'

export interface RunOptions {
  readonly stdin?: string
  readonly env?: Readonly<Record<string, string>>
  /** Whether output goes to a terminal. */
  readonly terminal?: boolean
  readonly programs?: Partial<Programs>
  /** What somebody at a terminal answers, a question after the other. */
  readonly answers?: readonly string[]
}

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command line in this process, against a fake of the API when one is given. */
export async function run(
  api: FakeApi | null,
  words: readonly string[],
  options: RunOptions = {},
): Promise<Ran> {
  const { stdin = '', env = {}, terminal = false } = options
  const [stdout, stderr] = [sink(terminal), sink(terminal)]
  const programs: Programs = {
    version: '0.0.0',
    serve: () => Promise.reject(new Error('not in this test')),
    serveFlags: () => Promise.resolve([]),
    bridge: () => Promise.reject(new Error('not in this test')),
    backup: () => Promise.reject(new Error('not in this test')),
    restore: () => Promise.reject(new Error('not in this test')),
    locate: () =>
      Promise.resolve({ dataDir: '/data', apiKey: api?.apiKey ?? null, origin: api?.origin ?? null }),
    ...options.programs,
  }
  const input =
    options.answers === undefined ? Readable.from([Buffer.from(stdin)]) : answering(stderr, options.answers)
  const host = { env, stdin: input, stdout, stderr }
  const code = await runCli(['node', 'catwalk', ...words], programs, host)
  stdout.end()
  stderr.end()
  return { code, stdout: await text(stdout), stderr: await text(stderr) }
}

/** A terminal at which somebody answers whatever ends in a colon. */
function answering(stderr: PassThrough, answers: readonly string[]): Readable & { readonly isTTY: true } {
  const typed = new PassThrough()
  const left = [...answers]
  const write = stderr.write.bind(stderr)
  stderr.write = (chunk: unknown): boolean => {
    if (String(chunk).endsWith(': ')) setImmediate(() => typed.write(`${left.shift() ?? ''}\r`))
    return write(chunk)
  }
  return Object.assign(typed, { isTTY: true as const })
}

function sink(terminal: boolean): PassThrough & { isTTY?: boolean; columns?: number } {
  return Object.assign(new PassThrough(), terminal ? { isTTY: true, columns: 100 } : {})
}
