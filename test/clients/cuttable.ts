import { connect, type AddressInfo } from 'node:net'
import { startWay, type Way } from '../support/way.ts'

/** A way to an endpoint whose connections can be cut. */
export interface Cuttable extends Pick<Way, 'cut'>, AsyncDisposable {
  readonly url: string
}

export async function startCuttable(endpoint: string): Promise<Cuttable> {
  const target = new URL(endpoint)
  const way = await startWay({ port: 0, host: '127.0.0.1' }, () =>
    connect(Number(target.port), target.hostname),
  )
  // A server that listens on TCP has an address with a port.
  const { port } = way.server.address() as AddressInfo
  return { ...way, url: `http://127.0.0.1:${port}${target.pathname}` }
}
