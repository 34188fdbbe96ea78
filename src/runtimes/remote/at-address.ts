import type { ServerProcess } from '../../bridge/index.ts'
import type { LineSink } from '../../domain/index.ts'
import { createHttpClient } from '../../network/index.ts'
import { connectRemote } from './remote-process.ts'
import { createWire } from './wire.ts'

export interface AddressedServer {
  /** `address:port`, where nobody but us comes in. */
  readonly address: string
  /** Of its endpoint. */
  readonly path: string
  readonly maxMessageBytes: number
  readonly output: LineSink
}

/**
 * A server of ours that serves Streamable HTTP at an address of its own. It is called by the name `localhost`, because
 * servers that expect nobody from elsewhere look at the name that they are called by.
 */
export function connectAtAddress({ address, path, maxMessageBytes, output }: AddressedServer): ServerProcess {
  const { hostname, port } = new URL(`http://${address}`)
  const origin = new URL(`http://localhost:${port}`).origin
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const http = createHttpClient({
    trustedOrigins: [origin],
    userAgent: 'catwalk',
    maxSockets: Infinity,
    network: { resolve: async () => [host], ownAddresses: () => [] },
  })
  const wire = createWire({ http, headers: {}, noted: (text) => output('system', text) })
  const connected = connectRemote({
    wire,
    url: new URL(path, `http://localhost:${port}`),
    maxMessageBytes,
    mayReopen: false,
    output,
  })
  void connected.ended.then(() => http[Symbol.dispose]())
  return connected
}
