import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createApiClient, type ApiClient } from '../../src/contract/index.ts'

const LAUNCHER = fileURLToPath(new URL('../../bin/catwalk', import.meta.url))
const START_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 30_000
/** Tests ask again until something is so, more often than a person may. */
const PATIENT = { CATWALK_API_USER_REQUESTS_PER_MINUTE: '0' }
/** Nothing on the internet is asked unless a test gives an address. */
const ALONE = { CATWALK_REGISTRY_URL: '', CATWALK_GLAMA_URL: '' }

export interface ProgramOptions {
  /** A directory to go on with; it is then left alone at the end. Default: a fresh one. */
  readonly dataDir?: string
  /** Variables on top of the test's own, of which none that configures Catwalk is handed down. */
  readonly env?: Readonly<Record<string, string>>
  /** More flags of `serve`. */
  readonly flags?: readonly string[]
}

/** The real program in a process of its own. Disposing it stops it and removes its data directory if it was fresh. */
export interface Program extends AsyncDisposable {
  readonly origin: string
  readonly dataDir: string
  readonly pid: number
  /** Null when there is an owner account. */
  readonly setUpLink: string | null
  /** All that it printed so far. */
  output(): string
  /** Asks it to end, and waits. @throws when it ends with an exit code, or not in time */
  stop(): Promise<void>
  /** Ends it without a chance to tidy up, and waits. */
  kill9(): Promise<void>
}

/**
 * Starts `bin/catwalk serve` on a free port and waits until it is ready.
 * @throws with its output when it ends before, or is not ready in time
 */
export async function startProgram(options: ProgramOptions = {}): Promise<Program> {
  const dataDir = options.dataDir ?? (await freshDataDir())
  const child = spawn(
    process.execPath,
    [LAUNCHER, 'serve', '--port', '0', '--data-dir', dataDir, ...(options.flags ?? [])],
    { env: { ...inherited(), ...PATIENT, ...ALONE, ...options.env }, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const ended = once(child, 'exit')
  let output = ''
  const ready = Promise.withResolvers<string>()
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
      const origin = /Dashboard:\s+(https?:\/\/\S+?)\/?\s/.exec(output)?.[1]
      if (origin !== undefined) ready.resolve(origin)
    })
  }

  async function end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill(signal)
    await within(ended, STOP_TIMEOUT_MS, () => `The program did not end:\n${output}`)
  }

  const ways = {
    async stop() {
      await end('SIGTERM')
      if (child.exitCode === 0) return
      throw new Error(`The program ended with ${child.exitCode ?? child.signalCode}:\n${output}`)
    },
    kill9: () => end('SIGKILL'),
    async [Symbol.asyncDispose]() {
      try {
        await end('SIGTERM')
      } finally {
        child.kill('SIGKILL')
        if (options.dataDir === undefined) await removeDataDir(dataDir)
      }
    },
  }
  try {
    const gone = ended.then(() => Promise.reject(new Error('It ended.')))
    const origin = await within(
      Promise.race([ready.promise, gone]),
      START_TIMEOUT_MS,
      () => 'It took too long.',
    )
    return {
      ...ways,
      origin,
      dataDir,
      // A process that printed something has an id.
      pid: child.pid ?? -1,
      get setUpLink() {
        return /Set-up link:\s+(\S+)/.exec(output)?.[1] ?? null
      },
      output: () => output,
    }
  } catch (error) {
    await ways[Symbol.asyncDispose]()
    throw new Error(`The program did not start:\n${output}`, { cause: error })
  }
}

/** The API of a program, as whoever runs it may use it from the same machine. */
export async function apiOf({ origin, dataDir }: Pick<Program, 'origin' | 'dataDir'>): Promise<ApiClient> {
  return createApiClient({ origin, apiKey: (await readFile(join(dataDir, 'cli.key'), 'utf8')).trim() })
}

/** A directory that the users which Catwalk drops to can reach. */
async function freshDataDir(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'catwalk-'))
  await chmod(path, 0o755)
  return path
}

/** Removes it with what is read-only in it. */
async function removeDataDir(path: string): Promise<void> {
  // Installed packages may be in directories that their owner cannot write to, which stops everyone but root.
  if (process.getuid?.() !== 0) await promisify(execFile)('chmod', ['-R', 'u+rwX', path])
  await rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
}

function inherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !name.startsWith('CATWALK_') && name !== 'DATABASE_URL' && name !== 'NODE_OPTIONS',
    ),
  )
}

async function within<T>(work: Promise<T>, timeoutMs: number, message: () => string): Promise<T> {
  const limit = Promise.withResolvers<never>()
  const timer = setTimeout(() => limit.reject(new Error(message())), timeoutMs)
  try {
    return await Promise.race([work, limit.promise])
  } finally {
    clearTimeout(timer)
  }
}
