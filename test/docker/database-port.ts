import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import type { Secret } from '../../src/domain/index.ts'

/**
 * A port of loopback for a database of the tests' server, which has a Unix socket that only this machine's users may use.
 * @param url of the database at its socket
 */
export async function openDatabasePort(url: Secret): Promise<AsyncDisposable & { readonly url: string }> {
  const { username, pathname, searchParams } = new URL(url.reveal())
  const path = `${searchParams.get('host') ?? ''}/.s.PGSQL.5432`
  const open = new Set<Socket>()
  const server = createServer((client) => {
    const database = connect(path)
    for (const socket of [client, database]) open.add(socket.once('close', () => open.delete(socket)))
    // Whichever side ends first has the other end too.
    void pipeline(client, database, client).catch(() => undefined)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  // It listens on TCP.
  const { port } = server.address() as AddressInfo
  return {
    url: `postgresql://${username}@127.0.0.1:${port}${pathname}?sslmode=disable`,
    [Symbol.asyncDispose]: async () => {
      server.close()
      for (const socket of open) socket.destroy()
      await once(server, 'close')
    },
  }
}
