import { connect } from 'node:net'
import { join } from 'node:path'
import type { Database } from '../../src/db/index.ts'
import { temporaryDirectory } from './temporary-directory.ts'
import { startWay, type Way } from './way.ts'

const SOCKET = '.s.PGSQL.5432'

/**
 * A way to a database that can be cut, and the address that leads over it.
 * @param seen hears all that the database says, before it arrives
 */
export async function startDatabaseWay(
  database: Database,
  seen: (text: string, way: Way) => void = () => undefined,
): Promise<{ readonly way: Way; readonly url: string } & AsyncDisposable> {
  await using stack = new AsyncDisposableStack()
  const directory = stack.use(await temporaryDirectory())
  const url = new URL(database.url.reveal())
  const server = join(url.searchParams.get('host') ?? '', SOCKET)
  const way: Way = stack.use(
    await startWay({ path: join(directory.path, SOCKET) }, () =>
      connect(server).on('data', (data) => seen(data.toString('latin1'), way)),
    ),
  )
  url.searchParams.set('host', directory.path)
  const owned = stack.move()
  return { way, url: url.href, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
