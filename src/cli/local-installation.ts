import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What a data directory tells about the Catwalk that uses it. */
export interface LocalInstallation {
  readonly dataDir: string
  /** The key for the CLI on this machine; null when there is none or this user may not read it. */
  readonly apiKey: string | null
  /** Where the program listens; null while it does not run. */
  readonly origin: string | null
}

/** Reads `cli.key`, and `run.json`, which the program writes while it runs. */
export async function readLocalInstallation(dataDir: string): Promise<LocalInstallation> {
  const [key, run] = await Promise.all([read(join(dataDir, 'cli.key')), read(join(dataDir, 'run.json'))])
  return { dataDir, apiKey: key === null || key.trim() === '' ? null : key.trim(), origin: originOf(run) }
}

async function read(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    // Absent, or another user's: the caller says what follows from that.
    return null
  }
}

function originOf(text: string | null): string | null {
  if (text === null) return null
  try {
    const run: unknown = JSON.parse(text)
    if (typeof run !== 'object' || run === null || !('origin' in run) || !('pid' in run)) return null
    if (typeof run.origin !== 'string' || typeof run.pid !== 'number') return null
    return isAlive(run.pid) ? run.origin : null
  } catch {
    // Cut short by a crash: as good as absent.
    return null
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // Another user's process may not be signalled, but it is there.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
