export type LogStream = 'stdout' | 'stderr' | 'system'

/** One line that a server, its installation or Catwalk itself wrote about a deployment. */
export interface LogLine {
  readonly workspaceId: string
  readonly deploymentId: string
  readonly releaseId: string | null
  /** Whose process printed it; null for an installation and for what Catwalk says. */
  readonly instanceId: string | null
  readonly stream: LogStream
  readonly line: string
  readonly at: Date
}

/** Takes lines without waiting; writes them in batches. */
export interface LogWriter {
  /** @param clean makes a line fit to be kept; called only for lines that are kept */
  append(line: LogLine, clean?: (line: string) => string): void
}

/** Structured logging of the program itself, not of servers. Fields must hold no secret. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  child(fields: object): Logger
}
