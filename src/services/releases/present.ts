import type { RouteOutput } from '../../contract/index.ts'
import type { queries } from '../../db/index.ts'
import { describePackage, docsPath, ERROR_CODES, type NetworkPolicy } from '../../domain/index.ts'

type Release = RouteOutput<'listReleases'>['items'][number]

/** A release as the API shows it: names of variables, never values. */
export function presentRelease(row: queries.ReleaseRow): Release {
  const { package: pkg, args, userArgs = [], variables } = row.launch_spec
  const given = userArgs.map((value) => (typeof value === 'string' ? value : `${value.prefix}••••`))
  return {
    id: row.id,
    number: row.number,
    state: row.state,
    package: {
      kind: pkg.kind,
      ...describePackage(pkg),
      integrity:
        pkg.kind === 'npm'
          ? pkg.integrity
          : pkg.kind === 'mcpb'
            ? `sha256-${Buffer.from(pkg.sha256, 'hex').toString('base64')}`
            : null,
    },
    args: [...args, ...given],
    userArgs: given,
    variables: variables.map(({ name }) => ({
      name,
      hasValue: name in row.credential_versions,
      personal: row.settings.personal?.includes(name) ?? false,
      account: row.settings.accounts?.[name] ?? null,
    })),
    network: presentNetwork(row.settings.network),
    memoryMiB: row.settings.memoryMiB,
    runtime: row.settings.runtime,
    createdAt: row.created_at.toISOString(),
    liveAt: row.live_at?.toISOString() ?? null,
    error: row.error === null ? null : presentFailure(row.error),
  }
}

function presentFailure(failure: queries.ReleaseFailure): NonNullable<Release['error']> {
  const code = ERROR_CODES.find((known) => known === failure.code) ?? 'internal'
  return {
    error: code,
    message: failure.message,
    help: failure.help,
    docs: docsPath(code),
    exitCode: failure.exitCode,
    signal: failure.signal,
    lastLines: failure.lastLines.map((line) => ({ ...line })),
  }
}

export function presentNetwork(policy: NetworkPolicy): 'none' | 'internet' | string[] {
  return typeof policy === 'string' ? policy : [...policy]
}
