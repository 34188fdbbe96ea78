import type { HeaderTemplate } from './header-template.ts'
import type { SnippetServer } from './source/snippet.ts'

/**
 * Where a server comes from. Made by {@link parseSource} only, so every part is checked: names are valid in their
 * ecosystem, addresses are https without credentials, paths stay inside.
 */
export type Source =
  | NpmSource
  | PypiSource
  | OciSource
  | GithubSource
  | GitSource
  | BundleSource
  | RegistrySource
  | RemoteSource
  | SnippetSource

export interface NpmSource {
  readonly kind: 'npm'
  readonly name: string
  /** An exact version or a tag; null for the latest. */
  readonly version: string | null
}

export interface PypiSource {
  readonly kind: 'pypi'
  /** Normalised (PEP 503): lower case, single hyphens. */
  readonly name: string
  /** An exact version; null for the latest. */
  readonly version: string | null
}

export interface OciSource {
  readonly kind: 'oci'
  /** Host of the registry with its port, `docker.io` for Docker Hub. */
  readonly registry: string
  /** With `library/` where Docker Hub implies it. */
  readonly repository: string
  readonly tag: string | null
  /** `sha256:…` */
  readonly digest: string | null
}

interface InRepository {
  /**
   * Branch, tag or commit; null for the default branch. A link such as `/tree/a/b/c` does not say where the name of a
   * branch ends: then this is its first word, and who resolves it tries longer ones at the cost of `path`.
   */
  readonly ref: string | null
  /** Folder inside, `''` for the root; never leads out. */
  readonly path: string
}

export interface GithubSource extends InRepository {
  readonly kind: 'github'
  /** `github.com` or an Enterprise server, with its port. */
  readonly host: string
  readonly owner: string
  readonly repository: string
}

export interface GitSource extends InRepository {
  readonly kind: 'git'
  /** https, without credentials, query and fragment. */
  readonly url: string
}

/** An MCP bundle: a zip archive that brings a server with all that it needs. */
export interface BundleSource {
  readonly kind: 'mcpb'
  /** Of the file. https; http only for an address of this machine. */
  readonly url: string
  /** In hex, of the whole file; null for whatever is there. */
  readonly sha256: string | null
}

/** An entry of the MCP Registry. */
export interface RegistrySource {
  readonly kind: 'registry'
  /** Namespace and name, such as `io.github.owner/server`. */
  readonly name: string
  /** Null for the latest. */
  readonly version: string | null
}

/** A server that someone else runs. */
export interface RemoteSource {
  readonly kind: 'remote'
  /** https; http only for an address of this machine. */
  readonly url: string
  /** What it is to be sent; without values. Absent: nothing is known of that. */
  readonly headers?: readonly HeaderTemplate[]
}

/** A pasted `mcpServers` snippet or command line. Its values of variables and headers may be secrets. */
export interface SnippetSource {
  readonly kind: 'snippet'
  readonly servers: readonly [SnippetServer, ...SnippetServer[]]
}

export type SourceKind = Source['kind']
