import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { openDatabase, type Database } from '../../src/db/index.ts'
import type { Logger } from '../../src/domain/index.ts'

const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
}

/** An embedded, migrated database in a directory that is removed when it is disposed. */
export async function openTemporaryDatabase(): Promise<Database> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'catwalk-types-'))
  const cleanup = new AsyncDisposableStack()
  cleanup.defer(() => rm(dataDir, { recursive: true, force: true }))
  try {
    const database = cleanup.use(
      await openDatabase(
        { url: null, dataDir, logger: silent, durable: false },
        new AbortController().signal,
      ),
    )
    return { ...database, [Symbol.asyncDispose]: () => cleanup.disposeAsync() }
  } catch (error) {
    await cleanup.disposeAsync()
    throw error
  }
}
