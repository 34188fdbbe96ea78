import type { LaunchPackage, LaunchSpec } from './launch-spec.ts'
import type { JsonObject, Manifest } from './manifest.ts'
import { compareManifests, type NameChanges } from './release-changes.ts'

/** A version that a release could be moved to. */
export interface FoundVersion {
  readonly package: LaunchPackage
  /** As people call it: a version, a tag, or the first letters of a commit. */
  readonly version: string
  readonly publishedAt: Date | null
  /** What its publisher says against it, null for nothing. */
  readonly deprecated: string | null
}

/** Something that a server wants a value for. */
export interface Requirement {
  readonly name: string
  readonly description: string | null
}

/** What trying a version out without anybody's values showed. */
export interface VersionTrial {
  /** Null when it did not start. */
  readonly manifest: Manifest | null
  /** Why it did not start, or was not tried. */
  readonly failure: string | null
  readonly requires: readonly Requirement[]
}

/** Finds other versions of what releases run, and tries them out. Put together in the composition root. */
export interface VersionFinder {
  /**
   * What is newer than a package; null when nothing is.
   * @param tracked the source as its owner named it, with a branch or tag that goes on; null where nobody knows
   * @throws CatwalkError those of the package indexes and of sources
   */
  newest(
    workspaceId: string,
    pkg: LaunchPackage,
    tracked: string | null,
    signal: AbortSignal,
  ): Promise<FoundVersion | null>
  /**
   * A package at another version: exact or a tag; for a repository a branch, tag or commit.
   * @throws CatwalkError `version_not_found`, `no_executable`, `invalid_request` for what has no versions, and those of
   *   {@link VersionFinder.newest}
   */
  at(workspaceId: string, pkg: LaunchPackage, version: string, signal: AbortSignal): Promise<LaunchPackage>
  /** Installs it and starts it in the sandbox, without a network and with placeholders only. Throws nothing of the server's. */
  tryOut(workspaceId: string, spec: LaunchSpec, memoryMiB: number, signal: AbortSignal): Promise<VersionTrial>
}

/** What an update would change, as it is kept and shown. */
export interface UpdateTrial {
  /** Whether it started, and so could be compared. */
  readonly works: boolean
  readonly message: string | null
  readonly tools: {
    readonly added: readonly Requirement[]
    readonly removed: readonly string[]
    readonly changed: readonly {
      readonly name: string
      readonly members: readonly string[]
      readonly from: JsonObject
      readonly to: JsonObject
    }[]
  }
  readonly resources: NameChanges | null
  readonly prompts: NameChanges | null
  /** What it wants that the one which serves did not, and that has no value here. */
  readonly requires: readonly Requirement[]
}

const NOTHING: Pick<UpdateTrial, 'tools' | 'resources' | 'prompts'> = {
  tools: { added: [], removed: [], changed: [] },
  resources: null,
  prompts: null,
}

/** Whether a trial leaves nothing to ask: it started, offers the same, and wants nothing that is not given. */
export function changesNothing({ works, tools, resources, prompts, requires }: UpdateTrial): boolean {
  const { added, removed, changed } = tools
  return (
    works &&
    resources === null &&
    prompts === null &&
    [added, removed, changed, requires].every((list) => list.length === 0)
  )
}

/**
 * What a version changes. Both sides must have been had in the same way: what a server offers may depend on its values.
 * @param given names that the deployment has values for
 */
export function compareTrials(from: VersionTrial, to: VersionTrial, given: ReadonlySet<string>): UpdateTrial {
  const before = new Set(from.requires.map(({ name }) => name))
  const requires = to.requires.filter(({ name }) => !given.has(name) && !before.has(name))
  if (to.manifest === null) return { ...NOTHING, works: false, message: to.failure, requires }
  if (from.manifest === null) {
    const message =
      'It starts. What it changes is not known, because the version that serves does not start without its values.'
    return { ...NOTHING, works: true, message, requires }
  }
  const { tools, resources, prompts } = compareManifests(from.manifest, to.manifest)
  const [old, next] = [definitions(from.manifest), definitions(to.manifest)]
  return {
    works: true,
    message: null,
    tools: {
      added: (tools?.added ?? []).map((name) => ({ name, description: describe(next.get(name)) })),
      removed: tools?.removed ?? [],
      changed: (tools?.changed ?? []).map(({ name, members }) => ({
        name,
        members,
        from: old.get(name) ?? {},
        to: next.get(name) ?? {},
      })),
    },
    resources,
    prompts,
    requires,
  }
}

/** In a few words, for histories and notices. */
export function summariseTrial({ works, message, tools, requires }: UpdateTrial): string {
  if (!works) return 'It did not start when it was tried out.'
  const parts = [
    ...count(tools.added, 'added'),
    ...count(tools.removed, 'removed'),
    ...count(tools.changed, 'changed'),
    ...(requires.length === 0 ? [] : [`wants ${requires.map(({ name }) => name).join(', ')}`]),
  ]
  if (parts.length > 0) return `${parts.join(', ')}.`
  return message ?? 'Its tools are the same.'
}

function count(tools: readonly unknown[], what: string): string[] {
  return tools.length === 0 ? [] : [`${tools.length} ${tools.length === 1 ? 'tool' : 'tools'} ${what}`]
}

function definitions({ tools }: Manifest): ReadonlyMap<unknown, JsonObject> {
  return new Map(tools.map((tool) => [tool['name'], tool]))
}

function describe(tool: JsonObject | undefined): string | null {
  const description = tool?.['description']
  return typeof description === 'string' ? description : null
}
