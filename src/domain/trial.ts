import type { Analysis, AnalysedArgument, AnalysedVariable, BootProof } from './analysis.ts'
import type { LaunchPackage, ServedPort } from './launch-spec.ts'
import type { Manifest } from './manifest.ts'
import type { LineSink } from './runtime.ts'

/** What is tried: a package, how it is started, and what the analysis found that it may want. */
export interface TrialInput {
  readonly workspaceId: string
  readonly package: LaunchPackage
  readonly args: readonly string[]
  /** Where it serves HTTP itself; left out when it speaks over its standard input and output. */
  readonly port?: ServedPort
  readonly variables: readonly AnalysedVariable[]
  readonly requiredOneOf: Analysis['requiredOneOf']
  readonly arguments: readonly AnalysedArgument[]
  readonly allowScripts: boolean
  readonly memoryMiB: number
  /** From an earlier trial or release of the same package; null to resolve it anew. */
  readonly lockFile: string | null
  /** For all boots together; the installation has the runtime's own limit. */
  readonly limitMs: number
  readonly output: LineSink
}

export interface Trial {
  readonly proof: BootProof
  /** What it offered in the boot that the proof tells of; null when none succeeded. */
  readonly manifest: Manifest | null
  /** For the first release, so that it runs what was tried; null when nothing could be installed. */
  readonly lockFile: string | null
}
