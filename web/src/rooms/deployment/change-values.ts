import type { CreateRelease, Release } from '../../api/client.ts'

/** What the form of a change holds. */
export interface ChangeValues {
  /** Those that the release has; an empty value stays as it is. */
  kept: { name: string; value: string; removed: boolean }[]
  added: { name: string; value: string }[]
  /** One argument a line. */
  args: string
  runtime: Release['runtime']
  network: Release['network']
  memoryMiB: string
}

export function valuesOf(release: Release): ChangeValues {
  return {
    kept: release.variables.map(({ name }) => ({ name, value: '', removed: false })),
    added: [],
    args: release.userArgs.join('\n'),
    runtime: release.runtime,
    network: release.network,
    memoryMiB: String(release.memoryMiB),
  }
}

/** Only what differs from the release, so that what cannot be shown stays as it is. Null when nothing does. */
export function toChange(release: Release, values: ChangeValues): CreateRelease | null {
  const before = valuesOf(release)
  const variables = Object.fromEntries([
    ...values.kept.flatMap(({ name, value, removed }): [string, string | null][] => {
      if (removed) return [[name, null]]
      return value === '' ? [] : [[name, value]]
    }),
    ...values.added
      .filter(({ name, value }) => name.trim() !== '' || value !== '')
      .map(({ name, value }): [string, string] => [name.trim(), value]),
  ])
  const change: CreateRelease = {
    ...(Object.keys(variables).length === 0 ? {} : { variables }),
    ...(values.args === before.args ? {} : { args: values.args.split('\n').filter((line) => line !== '') }),
    ...(values.runtime === before.runtime ? {} : { runtime: values.runtime }),
    ...(values.network === before.network ? {} : { network: values.network }),
    ...(values.memoryMiB.trim() === before.memoryMiB ? {} : { memoryMiB: Number(values.memoryMiB) }),
  }
  return Object.keys(change).length === 0 ? null : change
}
