import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Tells the CLI on this machine where the program listens, in `run.json`. Disposing removes the file; after a crash
 * the process id in it says that nobody is there.
 */
export async function announceRun(dataDir: string, origin: string): Promise<AsyncDisposable> {
  const path = join(dataDir, 'run.json')
  await writeFile(`${path}.new`, JSON.stringify({ origin, pid: process.pid }))
  await rename(`${path}.new`, path)
  return { [Symbol.asyncDispose]: () => rm(path, { force: true }) }
}
