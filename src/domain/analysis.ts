import type { HeaderTemplate } from './header-template.ts'
import type { GitProgram, ServedPort } from './launch-spec.ts'
import type { JsonObject } from './manifest.ts'

/** Where a fact was read. */
export interface Evidence {
  /** Path in the snapshot; for look-ups the address that was asked. */
  readonly file: string
  /** From 1. */
  readonly line: number
  /** The reader that found it, such as `readme-snippet` or `package-json`. */
  readonly reader: string
}

/** One environment variable that a server reads. */
export interface AnalysedVariable {
  readonly name: string
  /** Cannot do its main job without it, by the documented way to sign in. */
  readonly required: boolean
  readonly secret: boolean
  readonly default: string | null
  readonly description: string | null
  /** What a value looks like, for the form and for placeholders. */
  readonly format: 'text' | 'url' | 'path' | 'file' | 'json' | 'number' | 'boolean'
  /** The only values that are accepted; empty when any is. */
  readonly choices: readonly string[]
  /** Where a person finds or makes the value. */
  readonly helpUrl: string | null
  /** 0 to 1. */
  readonly confidence: number
  readonly evidence: readonly Evidence[]
}

/** One command-line argument that the server takes besides those it is always started with. */
export interface AnalysedArgument {
  /** The flag with its hyphens, or a word for a positional argument. */
  readonly name: string
  /** From 0; null for a flag. */
  readonly position: number | null
  readonly required: boolean
  readonly secret: boolean
  readonly example: string | null
  readonly description: string | null
  readonly evidence: readonly Evidence[]
}

export type PackageRegistry = 'npm' | 'pypi' | 'oci' | 'git' | 'mcpb' | 'remote'

/** How the server is started, in the words of its own ecosystem. */
export interface AnalysedLaunch {
  /** `git`: built from the repository itself, because it is not published. `mcpb`: a bundle. `remote`: someone else runs it, at `name`. */
  readonly package: {
    readonly registry: PackageRegistry
    readonly name: string
    /** Exact; null when only a deployment pins it (a commit for `git`). */
    readonly version: string | null
  }
  /** The executable, for instance a key of the package's `bin`. */
  readonly command: string
  /** Sub-commands and flags that make it speak MCP over its transport; not what the user has to fill in. */
  readonly args: readonly string[]
  readonly transport: 'stdio' | 'http'
  /** Where it serves HTTP itself, when it does not speak over its standard input and output. */
  readonly port?: ServedPort
  /** What a remote server is sent, without values. */
  readonly headers?: readonly HeaderTemplate[]
  /** What runs when it is built from the source, and the folder there. Absent: nobody here can build it. */
  readonly build?: { readonly path: string; readonly program: GitProgram }
}

/** One server of a source that holds several. */
export interface AnalysedCandidate {
  /** What a person calls it. */
  readonly name: string
  /** Folder in the snapshot. */
  readonly path: string
  readonly launch: AnalysedLaunch
  readonly confidence: number
  readonly evidence: readonly Evidence[]
}

export type AnalysisVerdict = 'deployable' | 'needs_input' | 'not_a_server' | 'unsupported'

/** What a trial boot in the sandbox showed. */
export interface BootProof {
  readonly booted: boolean
  readonly era: 'legacy' | 'modern' | 'dual' | null
  readonly protocolVersion: string | null
  /** From the process's start to the answer of the handshake. */
  readonly initializeMs: number | null
  readonly peakMemoryMiB: number | null
  /** Names of variables and arguments without which it did not start. */
  readonly neededPlaceholders: readonly string[]
  /** Names of those that had a placeholder in the boot whose tools, resources and prompts are recorded. */
  readonly placeholders: readonly string[]
  /** How often it was started to find this out. */
  readonly boots: number
  /** `host:port` of everything that it tried to reach. */
  readonly hosts: readonly string[]
  /** Whether it misses what its packages' install scripts make, such as native modules. */
  readonly needsScripts: boolean
  /** Lines on standard output that were not MCP. */
  readonly strayLines: number
  /** Why it did not boot: a code of the error catalogue and its last output. */
  readonly failure: {
    readonly code: string
    readonly message: string
    readonly lastLines: readonly string[]
  } | null
}

export interface AnalysisWarning {
  readonly code: string
  readonly message: string
}

/** What a model was asked and what it cost; null when none was used. */
export interface ModelUse {
  readonly provider: 'anthropic' | 'openrouter'
  readonly model: string
  readonly outcome: 'used' | 'no_answer' | 'refused' | 'over_budget' | 'timed_out'
  readonly inputTokens: number
  readonly outputTokens: number
  /** Null when the model's price is not known. */
  readonly costUsd: number | null
  /** In words, why the analysis is only what the files say; null when the model filled something in. */
  readonly detail: string | null
}

/** What the publisher says of a source, as far as it is known. */
export interface AnalysisAbout {
  readonly description: string | null
  readonly license: string | null
  /** Address of the code. */
  readonly repository: string | null
  /** RFC 3339. */
  readonly publishedAt: string | null
  /** Subresource integrity, where the index publishes it. */
  readonly integrity: string | null
  readonly unpackedBytes: number | null
  readonly hasInstallScripts: boolean
  /** Names of what the package can run. */
  readonly executables: readonly string[]
}

/** What Catwalk found out about a source. The same document in API, command line and database. */
export interface Analysis {
  readonly source: {
    readonly kind: string
    readonly url: string
    readonly commit: string | null
    readonly path: string
  }
  readonly verdict: AnalysisVerdict
  /** In words, why it is not deployable; null when it is. */
  readonly reason: string | null
  readonly launch: AnalysedLaunch | null
  /** All servers of the source when there is more than one; the first is the one in `launch`. */
  readonly candidates: readonly AnalysedCandidate[]
  readonly env: readonly AnalysedVariable[]
  /** A list of groups; a group is a list of alternatives, an alternative a list of names, `[]` meaning that nothing also does. */
  readonly requiredOneOf: readonly (readonly (readonly string[])[])[]
  readonly arguments: readonly AnalysedArgument[]
  readonly tools: readonly { readonly name: string; readonly description: string | null }[]
  readonly resources: readonly JsonObject[]
  readonly prompts: readonly JsonObject[]
  /** Null until it was tried. */
  readonly proof: BootProof | null
  readonly warnings: readonly AnalysisWarning[]
  readonly model: ModelUse | null
  /** Absent where nobody was asked. */
  readonly about?: AnalysisAbout
}

/** What an analysis says beside its source and verdict when nothing was found. */
export const NOTHING_FOUND = {
  launch: null,
  candidates: [],
  env: [],
  requiredOneOf: [],
  arguments: [],
  tools: [],
  resources: [],
  prompts: [],
  proof: null,
  warnings: [],
  model: null,
} as const satisfies Omit<Analysis, 'source' | 'verdict' | 'reason'>
