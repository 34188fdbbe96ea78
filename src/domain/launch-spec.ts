import type { HeaderTemplate } from './header-template.ts'
import type { NetworkPolicy } from './network-policy.ts'

/** A value that a server is given: an environment variable, or one that only arguments hold. */
export interface VariableDeclaration {
  /** The variable's name; `arg:…` (see {@link argumentCredential}) for a value that is not a variable. */
  readonly name: string
  readonly description: string | null
  readonly required: boolean
  readonly secret: boolean
  readonly default: string | null
  /** The value is the content of a file of this name, and the server gets the file's path. Absent: a plain value. */
  readonly file?: string
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

export interface PypiPackage {
  readonly kind: 'pypi'
  /** Normalised (PEP 503). */
  readonly name: string
  /** Exact, as the index writes it. */
  readonly version: string
  /** Hex SHA-256 of every file that the index offers for this version. Only these are installed. */
  readonly hashes: readonly string[]
  readonly program: PythonProgram
}

/** What runs of an installed Python package. */
export type PythonProgram =
  /** One of its console scripts. */
  | { readonly kind: 'script'; readonly name: string }
  /** `python -m name` */
  | { readonly kind: 'module'; readonly name: string }

/** A server that is not published: built from its repository, in the sandbox. */
export interface GitPackage {
  readonly kind: 'git'
  /** Address of the repository, https, without credentials. */
  readonly repository: string
  /** Full commit hash. */
  readonly commit: string
  /** Folder of the package in the repository; `''` is the root. */
  readonly path: string
  readonly program: GitProgram
}

export type GitProgram =
  /** A key of `bin` in the folder's package.json. */
  | { readonly kind: 'node-executable'; readonly name: string }
  /** A JavaScript file by its path from the folder; it may be one that the build makes. */
  | { readonly kind: 'node-file'; readonly path: string }
  | { readonly kind: 'python'; readonly program: PythonProgram }
  /** A Python file by its path from the folder. */
  | { readonly kind: 'python-file'; readonly path: string }

/** An MCP bundle, which brings all that it needs but its interpreter. How it is started its own manifest says. */
export interface BundlePackage {
  readonly kind: 'mcpb'
  /** Of its file. */
  readonly url: string
  /** In hex, of the whole file. Nothing else is unpacked. */
  readonly sha256: string
  /** As its manifest has them, with what is no letter, digit or common sign replaced. */
  readonly name: string
  readonly version: string
}

/** A server that someone else runs: nothing is installed, and nothing of it runs here. */
export interface RemotePackage {
  readonly kind: 'remote'
  /** Its MCP endpoint, without a user name and password. */
  readonly url: string
}

/** A container image, which brings all that it runs on. */
export interface OciPackage {
  readonly kind: 'oci'
  /** Host with its port, `docker.io` for Docker Hub. */
  readonly registry: string
  readonly repository: string
  /** `sha256:…` of its index or manifest. */
  readonly digest: string
  /** What it starts by itself; the arguments of the spec come after it. May be empty: then they begin with the program. */
  readonly program: readonly string[]
}

/** What is installed or reached. Switches over `kind` are exhaustive. */
export type LaunchPackage = NpmPackage | PypiPackage | GitPackage | BundlePackage | OciPackage | RemotePackage

/** An image as engines and registries name it. */
export function imageReference({ registry, repository, digest }: OciPackage): string {
  return `${registry}/${repository}@${digest}`
}

/** An argument as it is, or one that ends in a credential's value (in its path, when the credential is a file). */
export type LaunchArgument = string | { readonly prefix: string; readonly credential: string }

/**
 * All that is needed to start a server; part of a release, hence immutable. Values of variables are not in it. Releases
 * that an earlier version stored are read as they are: what joined later is optional.
 */
export interface LaunchSpec {
  readonly package: LaunchPackage
  /** Right after the executable: sub-commands and flags that make it speak MCP on its standard input and output. */
  readonly args: readonly string[]
  /** What the user adds, verbatim, after `args`. */
  readonly userArgs?: readonly LaunchArgument[]
  readonly variables: readonly VariableDeclaration[]
  readonly transport: LaunchTransport
}

export type LaunchTransport =
  | { readonly kind: 'stdio' }
  /** Of a remote server: with these headers in each request. */
  | { readonly kind: 'http'; readonly headers: readonly HeaderTemplate[] }
  /** Of an image: Streamable HTTP at a port of its own, which nobody but its bridge reaches. */
  | ({ readonly kind: 'port' } & ServedPort)

/** Where a server that runs here serves HTTP. */
export interface ServedPort {
  readonly port: number
  /** Of its endpoint, such as `/mcp`. */
  readonly path: string
}

/** Where instances run. */
export type RuntimeKind = 'local' | 'docker' | 'fly' | 'kubernetes' | 'remote'

/** How a runtime runs a release. */
export interface RunSettings {
  readonly network: NetworkPolicy
  /** Whether the package's install scripts may run (in the sandbox). */
  readonly allowScripts: boolean
  readonly memoryMiB: number
}

/** What the owner chose for a release besides the launch spec. */
export interface ReleaseSettings extends RunSettings {
  readonly runtime: RuntimeKind
  /** Credentials that each member brings their own of; not there when all are shared. */
  readonly personal?: readonly string[]
  /** By name, credentials that come from an account which is connected; not there when all are given as values. */
  readonly accounts?: Readonly<Record<string, AccountSource>>
}

/** Where a credential comes from when it is the token of an account at another service. */
export interface AccountSource {
  /** Id of the provider in the workspace. */
  readonly provider: string
  /** What the server gets: `{token}` stands for the access token. */
  readonly template: string
}

/** What a package is called (a remote server by its address, without what may identify somebody in its query), and which one of it exactly, for people and for names of things on disk. */
export function describePackage(spec: LaunchPackage): { readonly name: string; readonly version: string } {
  switch (spec.kind) {
    case 'npm':
    case 'pypi':
    case 'mcpb':
      return { name: spec.name, version: spec.version }
    case 'git': {
      const name = spec.repository.replace(/^https:\/\/[^/]+\//, '').replace(/\.git$/, '')
      return { name: spec.path === '' ? name : `${name}/${spec.path}`, version: spec.commit.slice(0, 12) }
    }
    case 'oci':
      return {
        name: `${spec.registry === 'docker.io' ? '' : `${spec.registry}/`}${spec.repository.replace(/^library\//, '')}`,
        version: spec.digest.slice('sha256:'.length, 'sha256:'.length + 12),
      }
    case 'remote': {
      const { host, pathname } = new URL(spec.url)
      return { name: `${host}${pathname === '/' ? '' : pathname}`, version: '' }
    }
    default:
      return spec satisfies never
  }
}

/** Name and version in one text, such as `name@1.2.3`. */
export function packageLabel(spec: LaunchPackage): string {
  const { name, version } = describePackage(spec)
  return version === '' ? name : `${name}@${version}`
}

// The platform's own variables, and those that change what a program loads before its first line runs.
const RESERVED =
  /^(?:CATWALK_.*|DATABASE_URL|LD_.*|DYLD_.*|NODE_OPTIONS|NODE_CHANNEL_FD|NODE_EXTRA_CA_CERTS|PYTHON(?:PATH|HOME|STARTUP)|BASH_ENV|ENV|PATH|HOME|TMPDIR)$/

/** Why a variable cannot be given to a server, or null when it can. */
export function variableProblem(name: string, value: string): string | null {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return 'is not a valid name'
  if (RESERVED.test(name)) return 'is set by Catwalk and cannot be changed'
  if (value === '') return 'has no value'
  if (value.includes('\0')) return 'contains a NUL character'
  if (value.length > 65_536) return 'is longer than 64 KiB'
  return null
}
