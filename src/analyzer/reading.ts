import type { AnalysisWarning, Evidence, GitProgram } from '../domain/index.ts'
import type { Fact, StartFact } from './facts.ts'
import type { Project } from './project.ts'

/** All that was read about one program which could be a server. */
export interface ProgramReading {
  readonly project: Project
  /** The key of the package's executables, or null when it has none. */
  readonly executable: string | null
  /** What runs of it when it is built from its folder; null when nothing says it, or nobody here can build it. */
  readonly built: GitProgram | null
  /** The file that was taken as the beginning of the code. */
  readonly entry: string | null
  /** From manifests, documents and code. */
  readonly facts: readonly Fact[]
  /** Start lines that start this very program. */
  readonly starts: readonly StartFact[]
  /** Words in capitals in its own code. */
  readonly words: ReadonlySet<string>
  readonly evidence: Evidence
}

/** What the reading process hands back. */
export interface SnapshotReading {
  readonly programs: readonly ProgramReading[]
  /** Start lines of documents and manifests that start nothing of the snapshot. */
  readonly foreignStarts: readonly StartFact[]
  readonly warnings: readonly AnalysisWarning[]
}
