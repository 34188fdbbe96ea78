import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { sql } from 'kysely'
import type { TestProject } from 'vitest/node'
import { openDatabase } from '../../src/db/index.ts'
import { Secret } from '../../src/domain/index.ts'
import { silentLogger } from './logger.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Loopback port where a test file learns the URL of the test run's database server. */
    databaseServerPort: number
  }
}

/** Databases of tests are copies of this one. */
export const TEMPLATE = 'migrated'

/** One database server for the whole test run, started when the first test file asks for it. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  await using cleanup = new AsyncDisposableStack()
  let url: Promise<string> | null = null
  const clusters = cleanup.use(new AsyncDisposableStack())
  const door = createServer((socket) => {
    socket.on('error', () => undefined)
    url ??= startServer(clusters)
    url.then(
      (text) => socket.end(text),
      (error: unknown) => socket.end(`error ${error instanceof Error ? error.message : String(error)}`),
    )
  })
  cleanup.defer(() => void door.close())
  await once(door.listen(0, '127.0.0.1'), 'listening')
  const address = door.address()
  if (address === null || typeof address === 'string') throw new Error('the door has no port')
  project.provide('databaseServerPort', address.port)
  const owned = cleanup.move()
  return () => owned.disposeAsync()
}

async function startServer(cleanup: AsyncDisposableStack): Promise<string> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'catwalk-test-'))
  cleanup.defer(() => rm(dataDir, { recursive: true, force: true }))
  const common = { dataDir, logger: silentLogger, poolSize: 1, durable: false }
  const { signal } = new AbortController()
  const server = cleanup.use(await openDatabase({ ...common, url: null, migrate: false }, signal))
  await sql`create database ${sql.id(TEMPLATE)}`.execute(server.kysely)
  // Closed again at once: a database with connections cannot be copied.
  await (
    await openDatabase({ ...common, dataDir: null, url: urlOfDatabase(server.url, TEMPLATE) }, signal)
  )[Symbol.asyncDispose]()
  return server.url.reveal()
}

/** The same server, another database. */
export function urlOfDatabase(url: Secret, database: string): Secret {
  const other = new URL(url.reveal())
  other.pathname = `/${database}`
  return new Secret(other.href)
}
