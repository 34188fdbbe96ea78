import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { Config } from '../config/index.ts'
import { CatwalkError } from '../domain/index.ts'

/** The listening socket. It is taken before anything else is started, so that a taken port is known at once. */
export interface Door extends AsyncDisposable {
  readonly port: number
  /** From now on requests are answered; before, they are told to come back. */
  open(listener: RequestListener): void
  /** Takes no new connections. */
  close(): void
}

/**
 * Listens on the configured address.
 * @throws CatwalkError `port_in_use`, `config_invalid`
 */
export async function openDoor({ host, port }: Pick<Config, 'host' | 'port'>): Promise<Door> {
  let listener: RequestListener = comeBack
  // Streams and slow calls are as long as they are; a request's head is not.
  const server = createServer({ keepAliveTimeout: 75_000, requestTimeout: 0 }, (req, res) =>
    listener(req, res),
  )
  server.listen(port, host)
  await once(server, 'listening').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
      throw new CatwalkError('port_in_use', `Port ${port} on ${host} is used by another program.`, {
        cause: error,
      })
    }
    throw new CatwalkError('config_invalid', `Catwalk cannot listen on ${host} port ${port}.`, {
      help: 'Choose an address of this machine with CATWALK_HOST.',
      cause: error,
    })
  })
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    open: (next) => (listener = next),
    close: () => server.close(),
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      if (server.listening) await once(server, 'close')
    },
  }
}

const comeBack: RequestListener = (_, res) => {
  res.writeHead(503, { 'content-type': 'text/plain', 'retry-after': '1' }).end('Catwalk is starting.')
}
