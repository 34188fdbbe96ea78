import type { CreateRelease, Release } from '../../api/client.ts'

/** What the form of a change holds. */
export interface ChangeValues {
  /** Those that the release has; an empty value stays as it is. */
  kept: { name: string; value: string; removed: boolean; personal: boolean }[]
  added: { name: string; value: string; personal: boolean }[]
  /** One argument a line. */
  args: string
  runtime: Release['runtime']
  network: Release['network']
  memoryMiB: string
}

export function valuesOf(release: Release): ChangeValues {
  return {
    kept: release.variables.map(({ name, personal }) => ({ name, value: '', removed: false, personal })),
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
      .filter(({ name, value, personal }) => (name.trim() !== '' && !personal) || value !== '')
      .map(({ name, value }): [string, string] => [name.trim(), value]),
  ])
  const personal = [...values.kept.filter(({ removed }) => !removed), ...values.added]
    .filter((row) => row.personal && row.name.trim() !== '')
    .map(({ name }) => name.trim())
  const former = release.variables.filter((variable) => variable.personal).map(({ name }) => name)
  const change: CreateRelease = {
    ...(Object.keys(variables).length === 0 ? {} : { variables }),
    ...(personal.join('\n') === former.join('\n') ? {} : { personal }),
    ...(values.args === before.args ? {} : { args: values.args.split('\n').filter((line) => line !== '') }),
    ...(values.runtime === before.runtime ? {} : { runtime: values.runtime }),
    ...(values.network === before.network ? {} : { network: values.network }),
    ...(values.memoryMiB.trim() === before.memoryMiB ? {} : { memoryMiB: Number(values.memoryMiB) }),
  }
  return Object.keys(change).length === 0 ? null : change
}
