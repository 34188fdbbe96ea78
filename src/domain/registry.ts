import type { JsonObject } from './manifest.ts'

/** A public list of servers that is mirrored. */
export type RegistryName = 'official' | 'glama'

/** What one entry of a registry says, checked and cut to size. Its texts are still a stranger's. */
export interface RegistryEntry {
  /** Unique in its registry. In the official one in reverse DNS, such as `io.github.owner/server`. */
  readonly name: string
  readonly title: string | null
  readonly description: string
  readonly version: string | null
  readonly status: 'active' | 'deprecated'
  /** Why it has this status. */
  readonly statusMessage: string | null
  /** Address of the code; https. */
  readonly repository: string | null
  /** Folder in the repository, `''` for its root. */
  readonly folder: string
  /** A page about it; https. */
  readonly website: string | null
  readonly license: string | null
  readonly publishedAt: Date | null
  readonly updatedAt: Date | null
  /** `packages` and `remotes` as in server.json of the official registry (schema 2025-12-11); empty lists for none. */
  readonly document: RegistryDocument
}

export interface RegistryDocument {
  readonly packages: readonly RegistryPackage[]
  readonly remotes: readonly RegistryRemote[]
}

/** Besides these fields it has `environmentVariables`, `packageArguments` and `runtimeArguments`, where it declares some. */
export interface RegistryPackage extends JsonObject {
  /** `npm`, `pypi`, `oci`, `mcpb`, `nuget` or something newer. */
  readonly registryType: string
  readonly identifier: string
  readonly version: string | null
  /** `url` is where it serves HTTP itself. */
  readonly transport: JsonObject & { readonly type: string }
}

/** May also have `headers`. */
export interface RegistryRemote extends JsonObject {
  readonly type: string
  readonly url: string
}

export type RegistryChange =
  | { readonly kind: 'present'; readonly entry: RegistryEntry }
  | { readonly kind: 'gone'; readonly name: string }

export interface RegistryPage {
  readonly changes: readonly RegistryChange[]
  /** Entries that could not be read. */
  readonly unreadable: number
  /** Null on the last page. */
  readonly nextCursor: string | null
}

/** Reads one registry. */
export interface RegistryClient {
  readonly name: RegistryName
  /** Its address, without a slash at the end. */
  readonly url: string
  /** Whether it can tell what changed since a moment; otherwise it is always read whole. */
  readonly tellsChanges: boolean
  /**
   * One page of at most 100 entries.
   * @param since only what changed from then on, with what was deleted; null for all that there is
   * @throws RegistryFailure
   */
  page(
    request: { readonly cursor: string | null; readonly since: Date | null },
    signal: AbortSignal,
  ): Promise<RegistryPage>
  /**
   * One entry.
   * @param version null for the latest
   * @returns null when there is no such entry or version
   * @throws RegistryFailure
   */
  find(name: string, version: string | null, signal: AbortSignal): Promise<RegistryEntry | null>
}

/** Why a registry gave no usable answer. `message` is public. */
export class RegistryFailure extends Error {
  override readonly name = 'RegistryFailure'
  /** It answered, and refuses what it was asked: asking the same again is of no use. */
  readonly isRefusal: boolean

  constructor(message: string, options: { readonly isRefusal?: boolean; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.isRefusal = options.isRefusal ?? false
  }
}
