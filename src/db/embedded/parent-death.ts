import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/**
 * What to put before a command so that the kernel sends it `signalName` when this program dies, in whatever way.
 * Empty where there is no `setpriv` that can do it (macOS, BusyBox): there a program that was killed leaves its
 * database running, and the next start stops it (leftovers.ts).
 */
export async function parentDeathPrefix(
  signalName: 'INT' | 'KILL',
  signal: AbortSignal,
): Promise<readonly string[]> {
  try {
    const { stdout } = await promisify(execFile)('setpriv', ['--help'], { signal })
    return stdout.includes('--pdeathsig') ? ['setpriv', '--pdeathsig', signalName, '--'] : []
  } catch {
    signal.throwIfAborted()
    return []
  }
}
