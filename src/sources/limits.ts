/** What a source may have; beyond it the source is refused. */
export interface SourceLimits {
  /** Of the archive as it is downloaded. */
  readonly archiveBytes: number
  /** Of all files together. */
  readonly unpackedBytes: number
  readonly fileBytes: number
  /** Files and folders. */
  readonly entries: number
  readonly pathBytes: number
  readonly depth: number
  /** For all of it. */
  readonly timeoutMs: number
}

const MIB = 1024 * 1024

export const SOURCE_LIMITS: SourceLimits = {
  archiveBytes: 256 * MIB,
  unpackedBytes: 512 * MIB,
  fileBytes: 128 * MIB,
  entries: 50_000,
  pathBytes: 1024,
  depth: 40,
  timeoutMs: 60_000,
}
