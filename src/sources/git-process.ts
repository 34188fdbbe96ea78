import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { mib, tooLarge } from './entry-rules.ts'

/** Git ended with an error. `message` is what it said last; for the log. */
export class GitFailure extends Error {
  override readonly name = 'GitFailure'
}

export interface GitRun {
  readonly command: string
  readonly args: readonly string[]
  readonly directory: string
  readonly env: Readonly<Record<string, string>>
  /** Of the repository while it is written. */
  readonly maxBytes: number
  readonly signal: AbortSignal
}

const KEPT_CHARACTERS = 4096
const WATCH_MS = 200

/**
 * Runs git to its end; `output` reads its standard output meanwhile. Its helpers end with it.
 * @throws GitFailure; CatwalkError `source_too_large` when its files outgrow `maxBytes`
 */
export async function runGit<T>(run: GitRun, output: (stdout: Readable) => Promise<T>): Promise<T> {
  const { command, args, directory, env, maxBytes, signal } = run
  signal.throwIfAborted()
  const child = spawn(command, args, {
    cwd: directory,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let outgrown = false
  const end = (): void => {
    if (child.pid === undefined || child.exitCode !== null) return
    try {
      process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }
  signal.addEventListener('abort', end, { once: true })
  const measure = async (): Promise<void> => {
    outgrown ||= (await packBytes(directory)) > maxBytes
    if (outgrown) end()
  }
  // There is no folder to measure yet, or it is just being changed: the next time.
  const watch = setInterval(() => void measure().catch(() => undefined), WATCH_MS)
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-KEPT_CHARACTERS)
  })
  const closed = once(child, 'close') as Promise<[number | null]>
  try {
    const [result, [code]] = await Promise.all([output(child.stdout), closed])
    if (code !== 0) throw new GitFailure(said)
    await measure()
    if (outgrown) throw tooLarge(`The repository is larger than ${mib(maxBytes)}.`)
    return result
  } catch (error) {
    end()
    await closed.catch(() => undefined)
    signal.throwIfAborted()
    if (outgrown) throw tooLarge(`The repository is larger than ${mib(maxBytes)}.`)
    // What a reader of cut output finds wrong is only a consequence, unless git ended because nobody read on.
    const endedByItself = (child.exitCode ?? 0) > 0 && !/Broken pipe|write/.test(said)
    if (endedByItself) throw new GitFailure(said, { cause: error })
    throw error
  } finally {
    clearInterval(watch)
    signal.removeEventListener('abort', end)
  }
}

async function packBytes(directory: string): Promise<number> {
  const folder = join(directory, 'objects', 'pack')
  const sizes = await Promise.all(
    (await readdir(folder).catch(() => [])).map(async (name) => (await stat(join(folder, name))).size),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}
