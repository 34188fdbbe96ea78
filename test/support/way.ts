import { once } from 'node:events'
import { createServer, type ListenOptions, type Server, type Socket } from 'node:net'

/** A way to something that listens, whose connections can be cut. */
export interface Way extends AsyncDisposable {
  readonly server: Server
  /** Cuts all that is open. New connections are let through. */
  cut(): void
  /** Cuts all that is open, and lets nothing through until it is mended. */
  block(): void
  mend(): void
}

/** @param dial opens a connection to where the way leads */
export async function startWay(listen: ListenOptions, dial: () => Socket): Promise<Way> {
  const sockets = new Set<Socket>()
  let isBlocked = false
  const server = createServer((client) => {
    if (isBlocked) return void client.destroy()
    const upstream = dial()
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket)
      socket.pipe(other)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
  })
  await once(server.listen(listen), 'listening')
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    server,
    cut,
    block() {
      isBlocked = true
      cut()
    },
    mend() {
      isBlocked = false
    },
    async [Symbol.asyncDispose]() {
      server.close()
      cut()
      await once(server, 'close')
    },
  }
}
