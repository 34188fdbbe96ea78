import type { ServerProcess } from '../../bridge/index.ts'
import type { LineSink } from '../../domain/index.ts'
import { createHttpClient } from '../../network/index.ts'
import { connectRemote } from './remote-process.ts'
import { createWire } from './wire.ts'

export interface SocketServer {
  /** A Unix socket that leads to it. */
  readonly socketPath: string
  /** Of its endpoint. */
  readonly path: string
  readonly maxMessageBytes: number
  readonly output: LineSink
}

/** A server of ours that serves Streamable HTTP at the other end of a Unix socket. */
export function connectOverSocket({
  socketPath,
  path,
  maxMessageBytes,
  output,
}: SocketServer): ServerProcess {
  const http = createHttpClient({
    socketPath,
    trustedOrigins: [],
    userAgent: 'catwalk',
    maxSockets: Infinity,
  })
  const wire = createWire({ http, headers: {}, noted: (text) => output('system', text) })
  const url = new URL(path, 'http://localhost')
  const connected = connectRemote({ wire, url, maxMessageBytes, mayReopen: false, output })
  void connected.ended.then(() => http[Symbol.dispose]())
  return connected
}
