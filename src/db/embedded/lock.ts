import { chmodSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { CatwalkError } from '../../domain/index.ts'

const SQLITE_BUSY = 5

/**
 * Takes the data directory for this program. An SQLite file in exclusive use is the one lock of the operating system
 * that Node can take: it ends with its holder however that ends, so there is no stale lock to judge.
 * @throws CatwalkError `data_dir_in_use`
 */
export function lockDataDirectory(dataDir: string): Disposable {
  const file = path.join(dataDir, 'lock')
  const lock = new DatabaseSync(file)
  try {
    // Whoever can read a file can lock it. By path, because closing any descriptor of the file would end the lock.
    chmodSync(file, 0o600)
    lock.exec('begin exclusive')
  } catch (cause) {
    lock.close()
    if (!isBusy(cause)) throw cause
    throw new CatwalkError('data_dir_in_use', `Another Catwalk is using the data directory ${dataDir}.`, {
      cause,
    })
  }
  return { [Symbol.dispose]: () => lock.close() }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY
}
