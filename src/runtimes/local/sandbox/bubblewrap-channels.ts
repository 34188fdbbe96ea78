import type { ChildProcess } from 'node:child_process'
import { Duplex, type Readable } from 'node:stream'
import type { ChildEnd, ConfinedCommand, ConfinedProcess } from '../../confined/index.ts'

// How Catwalk talks with bubblewrap and with the init inside.

/** The process id in what bubblewrap writes about itself: `{"child-pid": 123, …}`. */
export async function firstProcess(info: Readable): Promise<number> {
  return new Promise((resolve) => {
    let text = ''
    // Read to its end even when the number is known: bubblewrap would die of a closed pipe.
    info.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const match = /"child-pid":\s*(\d+)[,\s}]/.exec(text)
      if (match !== null) resolve(Number(match[1]))
    })
  })
}

/**
 * Resolves when bubblewrap has taken the word to go and is about to become the program. Rejects when it gave up before:
 * a word that nobody took resets the channel, one that was taken lets it end.
 */
export async function untilTaken(block: Duplex): Promise<void> {
  return new Promise((resolve, reject) => {
    block.once('end', resolve).once('error', reject).resume()
  })
}

/** Tells the init what to become, which is its word to go. Nothing of it shows in the arguments of any other process. */
export async function tellInit(
  child: ChildProcess,
  { argv, environment, files }: Pick<ConfinedCommand, 'argv' | 'environment' | 'files'>,
): Promise<void> {
  const message = { argv, environment: Object.fromEntries(environment), files }
  await new Promise<void>((resolve, reject) => {
    child.send(message, (error) => (error === null ? resolve() : reject(error)))
  })
}

/** The value, unless the signal or the end of the child comes first. */
export async function untilAborted<T>(
  signal: AbortSignal,
  exit: Promise<ChildEnd>,
  value: Promise<T>,
): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(new Error('it took too long'))
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  const exited = exit.then(({ exitCode, signal: endSignal }) => {
    throw new Error(`it ended at once, with ${endSignal ?? `exit code ${exitCode}`}`)
  })
  try {
    return await Promise.race([value, aborted, exited])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

const WORDS_LIMIT = 2_000

/** What a child says on stderr if it fails, up to a limit; whoever has the child later has its stderr. */
export interface Words {
  read(): Promise<string>
  leave(): void
}

export function wordsOf(child: ChildProcess): Words {
  let words: Promise<string> | undefined
  const read = async (): Promise<string> => (words ??= firstWords(child.stderr))
  // At its end Node throws away what nobody has begun to read.
  const atEnd = (): void => void read()
  child.once('exit', atEnd)
  return { read, leave: () => void child.off('exit', atEnd) }
}

async function firstWords(stderr: Readable | null): Promise<string> {
  let text = ''
  if (stderr === null) return text
  for await (const chunk of stderr) {
    if (text.length < WORDS_LIMIT) text += String(chunk)
  }
  return text.slice(0, WORDS_LIMIT).trim()
}

/** A pipe of `stdio`; which way it goes is fixed where the child is spawned. */
export function pipe(child: ChildProcess, descriptor: number): Duplex {
  const found = child.stdio[descriptor]
  // Whether it broke shows in what comes, or does not come, through it.
  if (found instanceof Duplex) return found.on('error', () => undefined)
  throw new Error(`descriptor ${descriptor} is not a pipe`)
}

/** stdin, stdout and stderr, which are pipes. */
export function standardStreams(child: ChildProcess): Pick<ConfinedProcess, 'stdin' | 'stdout' | 'stderr'> {
  const { stdin, stdout, stderr } = child
  if (stdin === null || stdout === null || stderr === null)
    throw new Error('the child has no standard streams')
  // Writing to a program that has ended is not an error of ours; its end is reported by `ended`.
  stdin.on('error', () => undefined)
  return { stdin, stdout, stderr }
}
