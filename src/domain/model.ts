import type { Analysis } from './analysis.ts'
import type { Snapshot } from './snapshot.ts'

/** A language model that may fill what the files of a source leave open. */
export interface ModelReader {
  /**
   * The analysis with gaps filled, and in `model` what was asked and what it cost. Never names a package, command,
   * image or host that the files do not prove, and returns what the files say whenever the model does not help.
   * @throws the signal's reason when that is aborted; nothing else
   */
  fillGaps(analysis: Analysis, snapshot: Snapshot, signal: AbortSignal): Promise<Analysis>
}
