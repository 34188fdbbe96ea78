import type { AnalysedVariable, Evidence, PackageRegistry } from '../domain/index.ts'

/** How a variable came to be known; later in this list is worth less when facts disagree. */
export type VariableRole =
  /** A manifest made for machines: `server.json`, MCPB, Smithery. */
  | 'declared'
  /** The server's own code reads it. */
  | 'read'
  /** Code reads it that was bundled or comes from a library. */
  | 'read_by_library'
  /** A table or list of the documentation. */
  | 'documented'
  /** The `env` of a configuration snippet. */
  | 'snippet'
  /** A `.env.example` or a Dockerfile. */
  | 'sample'
  /** Named in prose or in another code block. */
  | 'mentioned'

export interface VariableFact {
  readonly kind: 'variable'
  readonly name: string
  readonly role: VariableRole
  /** Null where the reader cannot tell. */
  readonly required: boolean | null
  readonly secret?: boolean
  readonly default?: string
  /** Without one something else is used, of which only words are said. */
  readonly fallsBack?: boolean
  readonly description?: string
  readonly format?: AnalysedVariable['format']
  readonly choices?: readonly string[]
  readonly helpUrl?: string
  /** Matters only when the server itself listens on a port. */
  readonly httpOnly?: boolean
  /** A value that stood beside the name, for a placeholder's form. */
  readonly example?: string
  /** Stands under a heading on developing or testing the server. */
  readonly forDevelopers?: boolean
  readonly evidence: Evidence
}

/** `names` cannot all be missing: a list of alternatives. */
export interface DemandFact {
  readonly kind: 'demand'
  readonly alternatives: readonly (readonly string[])[]
  readonly evidence: Evidence
}

export interface ArgumentFact {
  readonly kind: 'argument'
  /** With its hyphens, or a word for a positional one. */
  readonly name: string
  readonly position: number | null
  readonly role: 'declared' | 'read' | 'documented' | 'snippet'
  readonly required: boolean | null
  /** The flag takes no value. */
  readonly isBoolean?: boolean
  readonly secret?: boolean
  readonly default?: string
  readonly example?: string
  readonly description?: string
  readonly choices?: readonly string[]
  readonly aliases?: readonly string[]
  readonly httpOnly?: boolean
  /** The sub-command that it belongs to; empty where that has no name that can be read. */
  readonly command?: string
  readonly evidence: Evidence
}

/** A word that the program understands as its first argument. */
export interface CommandFact {
  readonly kind: 'command'
  readonly name: string
  readonly description: string | null
  readonly evidence: Evidence
}

/** A complete line that starts a server, as somebody wrote it down. */
export interface StartFact {
  readonly kind: 'start'
  /** Null for a line that names no package, such as `node dist/index.js`. */
  readonly registry: PackageRegistry | null
  /** Package, image, path or URL. */
  readonly name: string
  readonly version: string | null
  /** Another executable than the package's default one, where the line names it. */
  readonly command: string | null
  /** What follows the package or path. */
  readonly args: readonly string[]
  readonly variables: readonly (readonly [string, string])[]
  readonly role: 'declared' | 'snippet' | 'shell'
  readonly evidence: Evidence
}

export interface ToolFact {
  readonly kind: 'tool'
  readonly name: string
  readonly description: string | null
  readonly evidence: Evidence
}

/** Something that speaks for or against its being a server that can be hosted. */
export interface SignalFact {
  readonly kind: 'signal'
  readonly signal:
    | 'server_sdk'
    | 'client_sdk'
    | 'stdio_transport'
    | 'http_transport'
    | 'registers'
    | 'wire_words'
    | 'hands_streams_on'
    | 'reads_environment'
    | 'reads_environment_by_computed_name'
    | 'hands_environment_on'
    | 'reads_arguments'
    | 'browser'
    | 'browser_extension'
    | 'desktop'
    | 'external_program'
    | 'login_in_browser'
  /** What was seen, for a reason in words. */
  readonly detail: string
  readonly evidence: Evidence
}

export type Fact = VariableFact | DemandFact | ArgumentFact | CommandFact | StartFact | ToolFact | SignalFact
