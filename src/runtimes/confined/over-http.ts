import type { ServerProcess } from '../../bridge/index.ts'
import { CatwalkError, type LaunchSpec, type LineSink } from '../../domain/index.ts'

/**
 * A server at the other end of the way that its process was run with, as the bridge knows servers.
 * @param path of its endpoint
 */
export type ConnectHttp = (way: string, path: string, output: LineSink) => ServerProcess

/** Makes of a process that serves HTTP what the bridge speaks to. */
export type OverHttp = (process: ServerProcess, way: string) => ServerProcess

/**
 * How the processes of a release are spoken to when they serve HTTP themselves; null when they speak over their standard
 * input and output.
 */
export function overHttp(
  { transport }: Pick<LaunchSpec, 'transport'>,
  connect: ConnectHttp | undefined,
  output: LineSink,
): OverHttp | null {
  if (transport.kind !== 'port') return null
  if (connect === undefined)
    throw new CatwalkError('runtime_unavailable', 'Nothing here reaches ports of servers.')
  return (process, way) => joined(process, connect(way, transport.path, output))
}

/** The connection as long as the process is there, and the process as long as it is wanted. */
function joined(process: ServerProcess, connection: ServerProcess): ServerProcess {
  void process.ended.then(() => connection.stop(0))
  return {
    stdin: connection.stdin,
    stdout: connection.stdout,
    ended: process.ended,
    onFailure: (listener) => connection.onFailure?.(listener),
    stop: async (graceMs) => {
      await connection.stop(graceMs)
      // It does not look at its standard input; SIGTERM asks it to end.
      await process.stop(0)
    },
  }
}
