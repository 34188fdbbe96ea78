import type { CreateRelease, Release } from '../../api/client.ts'
import { toForm, toPolicy, type NetworkForm } from '../../app/network-policy.ts'

/** What the form of a change holds. */
export interface ChangeValues {
  /** Those that the release has; `account` is the id of a provider, or empty for a value that is given; an empty value stays as it is. */
  kept: { name: string; value: string; removed: boolean; personal: boolean; account: string }[]
  added: { name: string; value: string; personal: boolean; account: string }[]
  /** One argument a line. */
  args: string
  runtime: Release['runtime']
  network: NetworkForm
  memoryMiB: string
}

export function valuesOf(release: Release): ChangeValues {
  return {
    kept: release.variables.map(({ name, personal, account }) => ({
      name,
      value: '',
      removed: false,
      personal,
      account: account?.provider ?? '',
    })),
    added: [],
    args: release.userArgs.join('\n'),
    runtime: release.runtime,
    network: toForm(release.network),
    memoryMiB: String(release.memoryMiB),
  }
}

/** Only what differs from the release, so that what cannot be shown stays as it is. Null when nothing does. */
export function toChange(release: Release, values: ChangeValues): CreateRelease | null {
  const before = valuesOf(release)
  const variables = Object.fromEntries([
    ...values.kept.flatMap(({ name, value, removed, account }): [string, string | null][] => {
      if (removed) return [[name, null]]
      return value === '' || account !== '' ? [] : [[name, value]]
    }),
    ...values.added
      .filter(
        ({ name, value, personal, account }) =>
          account === '' && ((name.trim() !== '' && !personal) || value !== ''),
      )
      .map(({ name, value }): [string, string] => [name.trim(), value]),
  ])
  const personal = [...values.kept.filter(({ removed }) => !removed), ...values.added]
    .filter((row) => row.personal && row.name.trim() !== '')
    .map(({ name }) => name.trim())
  const former = release.variables.filter((variable) => variable.personal).map(({ name }) => name)
  const accounts = accountsOf(release, values)
  const network = toPolicy(values.network)
  const change: CreateRelease = {
    ...(Object.keys(variables).length === 0 ? {} : { variables }),
    ...(personal.join('\n') === former.join('\n') ? {} : { personal }),
    ...(accounts === null ? {} : { accounts }),
    ...(values.args === before.args ? {} : { args: values.args.split('\n').filter((line) => line !== '') }),
    ...(values.runtime === before.runtime ? {} : { runtime: values.runtime }),
    ...(JSON.stringify(network) === JSON.stringify(release.network) ? {} : { network }),
    ...(values.memoryMiB.trim() === before.memoryMiB ? {} : { memoryMiB: Number(values.memoryMiB) }),
  }
  return Object.keys(change).length === 0 ? null : change
}

/** Which variables come from accounts, all of them; null when that stays as it is. A template that there is stays. */
function accountsOf(release: Release, { kept, added }: ChangeValues): CreateRelease['accounts'] | null {
  const former = new Map(release.variables.flatMap(({ name, account }) => (account ? [[name, account]] : [])))
  const rows = [...kept.filter(({ removed }) => !removed), ...added].filter(
    ({ name, account }) => account !== '' && name.trim() !== '',
  )
  const isSame =
    rows.length === former.size && rows.every(({ name, account }) => former.get(name)?.provider === account)
  if (isSame) return null
  return Object.fromEntries(
    rows.map(({ name, account: provider }) => {
      const known = former.get(name.trim())
      return [name.trim(), known?.provider === provider ? known : { provider }]
    }),
  )
}
