/** A variable that a server reads. */
export interface VariableDeclaration {
  readonly name: string
  readonly description: string | null
  readonly required: boolean
  readonly secret: boolean
  readonly default: string | null
}

export interface NpmPackage {
  readonly kind: 'npm'
  readonly name: string
  /** Exact, never a range or a tag. */
  readonly version: string
  /** Subresource integrity as the index published it, `sha512-…`. */
  readonly integrity: string
  /** The executable to run, a key of the package's `bin`. */
  readonly executable: string
}

/** All that is needed to start a server; part of a release, hence immutable. Values of variables are not in it. */
export interface LaunchSpec {
  readonly package: NpmPackage
  /** Appended verbatim after the executable. */
  readonly args: readonly string[]
  readonly variables: readonly VariableDeclaration[]
  readonly transport: { readonly kind: 'stdio' }
}

/** Where an instance may connect to. `internet` is public addresses only, through the egress proxy. */
export type NetworkPolicy = 'none' | 'internet'

/** What the owner chose for a release besides the launch spec. */
export interface ReleaseSettings {
  readonly network: NetworkPolicy
  /** Whether the package's install scripts may run (in the sandbox). */
  readonly allowScripts: boolean
  readonly memoryMiB: number
}

// The platform's own variables, and those that change what a program loads before its first line runs.
const RESERVED =
  /^(?:CATWALK_.*|DATABASE_URL|LD_.*|DYLD_.*|NODE_OPTIONS|NODE_CHANNEL_FD|NODE_EXTRA_CA_CERTS|BASH_ENV|ENV|PATH|HOME|TMPDIR)$/

/** Why a variable cannot be given to a server, or null when it can. */
export function variableProblem(name: string, value: string): string | null {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return 'is not a valid name'
  if (RESERVED.test(name)) return 'is set by Catwalk and cannot be changed'
  if (value === '') return 'has no value'
  if (value.includes('\0')) return 'contains a NUL character'
  if (value.length > 65_536) return 'is longer than 64 KiB'
  return null
}
