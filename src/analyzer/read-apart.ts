import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { anySignal, CatwalkError, type Snapshot } from '../domain/index.ts'
import type { ReadingRequest } from './reading-process.ts'
import type { SnapshotReading } from './reading.ts'

const ATTEMPTS = 4
const ATTEMPT_MS = 15_000
const BUDGET_MS = 8_000
const MEMORY_MIB = 1_536
const LARGEST_READING = 64 * 1024 * 1024
const PROGRAM = fileURLToPath(
  new URL(`reading-process${import.meta.url.endsWith('.js') ? '.js' : '.ts'}`, import.meta.url),
)

/**
 * Reads a snapshot in a process of its own, without this program's environment and without the right to write a file or
 * to start a program. A file that crashes or stops the parser costs one attempt and a warning, not the analysis.
 * @throws CatwalkError `analysis_failed` when even the documents alone cannot be read
 */
export async function readApart(snapshot: Snapshot, signal: AbortSignal): Promise<SnapshotReading> {
  const skip: string[] = []
  const warnings: SnapshotReading['warnings'][number][] = []
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const result = await attemptOnce(
      {
        snapshot: {
          directory: snapshot.directory,
          commit: snapshot.commit,
          path: snapshot.path,
          files: [...snapshot.files.values()],
        },
        skip,
        budgetMs: BUDGET_MS,
      },
      signal,
    )
    if (result.reading !== null)
      return { ...result.reading, warnings: [...result.reading.warnings, ...warnings] }
    signal.throwIfAborted()
    const file = attempt < ATTEMPTS - 1 ? result.file : null
    skip.push(file ?? '*')
    warnings.push(
      file === null
        ? {
            code: 'code_not_read',
            message: 'The code could not be read within the limits, so only documents and manifests were.',
          }
        : { code: 'file_not_read', message: `${file} could not be read within the limits.` },
    )
  }
  throw new CatwalkError('analysis_failed', 'The files of this source cannot be read within the limits.')
}

/** `file` is the one that was being parsed when it ended without a reading. */
async function attemptOnce(
  request: ReadingRequest,
  signal: AbortSignal,
): Promise<{ reading: SnapshotReading | null; file: string | null }> {
  const child = spawn(
    process.execPath,
    [
      `--max-old-space-size=${String(MEMORY_MIB)}`,
      '--permission',
      '--allow-addons',
      '--allow-fs-read=*',
      '--disable-warning=SecurityWarning',
      '--disable-warning=ExperimentalWarning',
      PROGRAM,
    ],
    {
      stdio: ['pipe', 'pipe', 'ignore', 'pipe'],
      env: {},
      cwd: '/',
      signal: anySignal([signal, AbortSignal.timeout(ATTEMPT_MS)]),
      killSignal: 'SIGKILL',
    },
  )
  const { stdin, stdout } = child
  const progress = child.stdio[3]
  // A process that ends early closes its input; what it says about that is in the exit.
  stdin?.on('error', () => undefined)
  stdin?.end(JSON.stringify(request))
  const chunks: Buffer[] = []
  let bytes = 0
  stdout?.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > LARGEST_READING) child.kill('SIGKILL')
    else chunks.push(chunk)
  })
  let said = ''
  progress?.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(-8_192)
  })
  const { promise, resolve } = Promise.withResolvers<number | null>()
  child.on('error', () => undefined)
  child.on('close', (code) => resolve(code))
  const code = await promise
  const lines = said.split('\n')
  // Complete lines end with a line feed, so the last element is empty; an empty line says that parsing is over.
  const last = lines.at(-2) ?? ''
  if (code !== 0) return { reading: null, file: last === '' ? null : last }
  // Written by our own program; collections are restored by their marks.
  const reading = JSON.parse(Buffer.concat(chunks).toString('utf8'), (_, value: unknown) =>
    restore(value),
  ) as SnapshotReading
  return { reading, file: null }
}

function restore(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const keys = Object.keys(value)
  if (keys.length !== 1) return value
  if ('map' in value && Array.isArray(value.map)) return new Map(value.map as [unknown, unknown][])
  if ('set' in value && Array.isArray(value.set)) return new Set(value.set)
  return value
}
