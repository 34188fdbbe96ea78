import type { Analysis } from './analysis.ts'
import type { LaunchPackage } from './launch-spec.ts'
import type { Source } from './source.ts'

export type AnalysisStepName = 'fetching' | 'reading' | 'looking_up' | 'booting' | 'asking_model'

/** A source that can be analysed; a snippet is taken apart before. */
export type AnalysableSource = Exclude<Source, { readonly kind: 'snippet' }>

export interface SourceAnalysisInput {
  readonly workspaceId: string
  readonly source: AnalysableSource
  /** Name of a candidate; null for the likeliest. */
  readonly server: string | null
  /** Whether to try it out in the sandbox. */
  readonly boot: boolean
  /** Whether to ask the language model, if there is one. */
  readonly model: boolean
  /** Told when a step begins; the one before has then ended. */
  readonly onStep: (step: AnalysisStepName, detail: string | null) => void
  /** Asked once it is known which commit or version it is; what it answers ends the analysis. */
  readonly recall: (pinned: string) => Promise<Analysis | null>
}

export interface AnalysedSource {
  /** The source with its exact commit or version; names the result in the cache. */
  readonly pinned: string
  readonly analysis: Analysis
}

/** Finds out what a source is: fetches, reads, looks up, tries out, asks. Put together in the composition root. */
export interface SourceAnalyzer {
  /** GitHub's own and Enterprise servers that repositories are read from through its API. */
  readonly githubHosts: readonly string[]
  /**
   * @throws CatwalkError when the source cannot be had, such as `package_not_found`; what is wrong with a source that was
   *   read is in the analysis
   */
  analyze(input: SourceAnalysisInput, signal: AbortSignal): Promise<AnalysedSource>
  /**
   * What a release installs, pinned and with its integrity.
   * @throws CatwalkError `source_not_deployable`, and what the package indexes throw
   */
  toPackage(
    workspaceId: string,
    analysis: Analysis,
    executable: string | null,
    signal: AbortSignal,
  ): Promise<LaunchPackage>
}
