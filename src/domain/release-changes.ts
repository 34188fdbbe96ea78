import { isDeepStrictEqual } from 'node:util'
import { packageLabel, type LaunchSpec, type ReleaseSettings } from './launch-spec.ts'
import type { JsonObject, Manifest } from './manifest.ts'

/** What is compared of a release. */
export interface ComparedRelease {
  readonly launchSpec: LaunchSpec
  readonly settings: ReleaseSettings
  /** Variable → version of its credential. */
  readonly credentialVersions: Readonly<Record<string, number>>
  /** Null when it never answered. */
  readonly manifest: Manifest | null
}

export interface Change<T> {
  readonly from: T
  readonly to: T
}

/** Names that came, went or stayed under another definition. */
export interface NameChanges {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly changed: readonly string[]
}

/** How one release differs from another; a part is null where they are the same. */
export interface ReleaseChanges {
  readonly package: Change<string> | null
  readonly args: Change<readonly string[]> | null
  readonly variables: NameChanges | null
  readonly settings: readonly ({ readonly name: string } & Change<string | number | boolean>)[]
  /** Null also when one of the two never said what it offers. */
  readonly tools: ToolChanges | null
  readonly resources: NameChanges | null
  readonly prompts: NameChanges | null
}

export interface ToolChanges {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  /** With the members of the definition that differ, such as `description`. */
  readonly changed: readonly { readonly name: string; readonly members: readonly string[] }[]
}

/** Compares package, settings, names of variables and what the server offered. Values of variables are not known here. */
export function compareReleases(from: ComparedRelease, to: ComparedRelease): ReleaseChanges {
  const lists =
    from.manifest === null || to.manifest === null ? null : compareManifests(from.manifest, to.manifest)
  return {
    package: change(packageText(from.launchSpec), packageText(to.launchSpec)),
    args: change(argumentTexts(from.launchSpec), argumentTexts(to.launchSpec)),
    variables: nameChanges(
      new Map(Object.entries(from.credentialVersions)),
      new Map(Object.entries(to.credentialVersions)),
    ),
    settings: settingChanges(from.settings, to.settings),
    ...(lists ?? { tools: null, resources: null, prompts: null }),
  }
}

/** Compares what a server offered at two times; a part is null where it is the same. */
export function compareManifests(
  from: Manifest,
  to: Manifest,
): Pick<ReleaseChanges, 'tools' | 'resources' | 'prompts'> {
  return {
    tools: toolChanges(byName(from.tools, 'name'), byName(to.tools, 'name')),
    resources: nameChanges(byName(from.resources, 'uri'), byName(to.resources, 'uri')),
    prompts: nameChanges(byName(from.prompts, 'name'), byName(to.prompts, 'name')),
  }
}

type Named = ReadonlyMap<string, JsonObject>

function byName(items: readonly JsonObject[], member: string): Named {
  return new Map(
    items.flatMap((item) => {
      const name = item[member]
      return typeof name === 'string' ? [[name, item]] : []
    }),
  )
}

function nameChanges(
  from: ReadonlyMap<string, unknown>,
  to: ReadonlyMap<string, unknown>,
): NameChanges | null {
  const added = [...to.keys()].filter((name) => !from.has(name))
  const removed = [...from.keys()].filter((name) => !to.has(name))
  const changed = [...to.keys()].filter(
    (name) => from.has(name) && !isDeepStrictEqual(from.get(name), to.get(name)),
  )
  return added.length + removed.length + changed.length === 0 ? null : { added, removed, changed }
}

function toolChanges(from: Named, to: Named): ToolChanges | null {
  const names = nameChanges(from, to)
  if (names === null) return null
  return {
    ...names,
    changed: names.changed.map((name) => ({ name, members: differingMembers(from.get(name), to.get(name)) })),
  }
}

/** Members under which two definitions say different things, in order. */
export function differingMembers(from: JsonObject = {}, to: JsonObject = {}): string[] {
  const members = new Set([...Object.keys(from), ...Object.keys(to)])
  return [...members].filter((member) => !isDeepStrictEqual(from[member], to[member])).toSorted()
}

function settingChanges(from: ReleaseSettings, to: ReleaseSettings): ReleaseChanges['settings'] {
  const before = new Map<string, unknown>(Object.entries(comparable(from)))
  return Object.entries(comparable(to)).flatMap(([name, value]: [string, unknown]) => {
    const previous = before.get(name)
    return isPlain(previous) && isPlain(value) && previous !== value
      ? [{ name, from: previous, to: value }]
      : []
  })
}

/** A list of hosts is compared, and shown, as one text. */
function comparable({ network, ...rest }: ReleaseSettings): object {
  return { network: typeof network === 'string' ? network : network.join(', '), ...rest }
}

function isPlain(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

function packageText({ package: pkg }: LaunchSpec): string {
  return `${pkg.kind}:${packageLabel(pkg)}`
}

function argumentTexts({ args, userArgs = [] }: LaunchSpec): readonly string[] {
  return [...args, ...userArgs.map((value) => (typeof value === 'string' ? value : `${value.prefix}…`))]
}

function change<T>(from: T, to: T): Change<T> | null {
  return isDeepStrictEqual(from, to) ? null : { from, to }
}
