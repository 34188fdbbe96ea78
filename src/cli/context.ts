import type { ApiClient, RouteInput, RouteName, RouteOutput } from '../contract/index.ts'
import { anySignal, CatwalkError } from '../domain/index.ts'
import type { ConnectionOptions } from './connection.ts'
import type { LocalInstallation } from './local-installation.ts'
import { createOutput, type CliHost, type Output } from './output.ts'

/** Options of every command that talks to a server. */
export interface CommonOptions extends ConnectionOptions {
  readonly json?: boolean
}

/** What a command gets. */
export interface CommandContext {
  readonly host: CliHost
  readonly output: Output
  /** Aborts when the command is told to stop. */
  readonly signal: AbortSignal
  api(): Promise<ApiClient>
  /** What the data directory on this machine tells. */
  installation(): Promise<LocalInstallation>
  /**
   * Calls a route of the server.
   * @throws ApiError; CatwalkError `unavailable` also when no answer comes within the time limit
   */
  call<N extends RouteName>(name: N, input: RouteInput<N>, timeoutMs?: number): Promise<RouteOutput<N>>
}

const CALL_TIMEOUT_MS = 60_000

export function createContext(
  host: CliHost,
  options: CommonOptions,
  locate: (dataDir: string | undefined) => Promise<LocalInstallation>,
  signal: AbortSignal,
): CommandContext {
  let api: Promise<ApiClient> | null = null
  // Loading the contract takes a tenth of a second, which `help` and wrong usage need not wait for.
  const open = async () => (await import('./connection.ts')).connect(options, host.env, locate)
  const context: CommandContext = {
    host,
    output: createOutput(host, options.json === true),
    signal,
    api: () => (api ??= open()),
    installation: () => locate(options.dataDir),
    async call(name, input, timeoutMs = CALL_TIMEOUT_MS) {
      const client = await context.api()
      const limit = AbortSignal.timeout(timeoutMs)
      try {
        return await client.call(name, input, anySignal([signal, limit]))
      } catch (error) {
        if (signal.aborted || !limit.aborted) throw error
        throw new CatwalkError('unavailable', `Catwalk did not answer within ${timeoutMs / 1000} s.`)
      }
    },
  }
  return context
}
