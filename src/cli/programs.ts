import type { LocalInstallation } from './local-installation.ts'

/** A flag of `serve`, as the configuration describes it. */
export interface ServeFlag {
  /** In commander's notation, e.g. `--port <number>`. */
  readonly flags: string
  readonly description: string
}

export interface BridgeCommand {
  readonly port: number
  readonly host: string
  /** Path of a file with what callers have to show. */
  readonly secretFile?: string
  /** The server to run, and its arguments. */
  readonly command: readonly [string, ...string[]]
}

export interface BackupSummary {
  readonly createdAt: string
  readonly rows: number
  readonly tables: Readonly<Record<string, { readonly rows: number; readonly sha256: string }>>
}

/** What the command line starts or asks but does not contain. The composition root gives them, each loaded when used. */
export interface Programs {
  readonly version: string
  /** Runs the server until it is told to stop. Flags by their long name in camel case. */
  serve(flags: Readonly<Record<string, string | boolean>>): Promise<void>
  serveFlags(): Promise<readonly ServeFlag[]>
  bridge(command: BridgeCommand): Promise<void>
  /** Writes all that an installation keeps to a file. */
  backup(file: string, flags: Readonly<Record<string, string>>, signal: AbortSignal): Promise<BackupSummary>
  /** Fills an unused database from such a file. */
  restore(file: string, flags: Readonly<Record<string, string>>, signal: AbortSignal): Promise<BackupSummary>
  /** Finds the installation of this machine. */
  locate(dataDir: string | undefined): Promise<LocalInstallation>
}
