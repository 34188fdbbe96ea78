import type { RouteInput, RouteOutput } from '../../contract/index.ts'
import { CatwalkError, type RuntimeKind } from '../../domain/index.ts'
import { cleanLine } from '../clean-text.ts'
import type { CommandContext, CommonOptions } from '../context.ts'
import type { Deployment } from '../failure.ts'
import { createProgress } from '../progress.ts'
import { paintState } from '../summary.ts'
import { formatAge, formatTable } from '../table.ts'
import { readAccounts } from '../account-sources.ts'
import { readVariables } from '../variables.ts'
import { follow, judgeServing } from '../wait.ts'
import { readNetwork } from './network.ts'
import { describeUpdate, lookForUpdate } from './updates.ts'

export interface WaitingOptions extends CommonOptions {
  readonly wait?: boolean
  /** Seconds. */
  readonly timeout: number
}

export interface ReleaseOptions extends WaitingOptions {
  readonly pin?: string
  readonly env?: readonly string[]
  readonly envFile?: string
  readonly unset?: readonly string[]
  /** False for `--no-personal`. */
  readonly personal?: readonly string[] | false
  readonly arg?: readonly string[]
  readonly args?: boolean
  /** NAME=PROVIDER; false for `--no-account`. */
  readonly account?: readonly string[] | false
  readonly network?: string
  readonly allowScripts?: boolean
  readonly runtime?: RuntimeKind
  readonly memory?: number
}

export interface UpdateOptions extends WaitingOptions {
  readonly check?: boolean
}

type NewRelease = RouteInput<'createRelease'>['body']
type Changes = RouteOutput<'compareReleases'>

export async function listReleases(context: CommandContext, id: string): Promise<void> {
  const { output } = context
  const [{ items }, { liveRelease }] = await Promise.all([
    context.call('listReleases', { params: { id } }),
    context.call('getDeployment', { params: { id } }),
  ])
  const now = new Date()
  output.result(items, () =>
    formatTable(
      output,
      ['RELEASE', 'STATE', 'PACKAGE', 'AGE', 'SERVES', 'ERROR'],
      items.map((release) =>
        [
          `v${release.number}`,
          release.state,
          `${release.package.name}@${release.package.version}`,
          formatAge(release.createdAt, now),
          release.number === liveRelease ? 'yes' : '-',
          release.error?.error ?? '-',
        ].map(cleanLine),
      ),
    ),
  )
}

/** Makes a release with what the flags change. */
export async function changeRelease(
  context: CommandContext,
  id: string,
  options: ReleaseOptions,
): Promise<void> {
  const { host, output, signal } = context
  const given = await readVariables(options.env ?? [], options.envFile, host, output, signal)
  const removed = Object.fromEntries((options.unset ?? []).map((name) => [name, null]))
  const args = options.args === false ? [] : options.arg
  await make(context, id, options, {
    variables: { ...removed, ...given },
    ...(options.pin === undefined ? {} : { version: options.pin }),
    ...(args === undefined ? {} : { args: [...args] }),
    ...(options.personal === undefined ? {} : { personal: [...(options.personal || [])] }),
    ...(options.account === undefined ? {} : { accounts: readAccounts(options.account || []) }),
    ...(options.network === undefined ? {} : { network: readNetwork(options.network) }),
    ...(options.runtime === undefined ? {} : { runtime: options.runtime }),
    ...(options.allowScripts === undefined ? {} : { allowScripts: options.allowScripts }),
    ...(options.memory === undefined ? {} : { memoryMiB: options.memory }),
  })
}

/** Moves to the newest version; says so when there is none, which is no failure. */
export async function update(context: CommandContext, id: string, options: UpdateOptions): Promise<void> {
  const found = await lookForUpdate(context, id, options)
  if (!found.available || options.check === true) {
    context.output.result(found, () => describeUpdate(found))
    return
  }
  await make(context, id, options, { version: found.latest })
}

/** Makes a release like an old one: the one that is named, else the one that served before. */
export async function rollback(
  context: CommandContext,
  id: string,
  number: number | undefined,
  options: WaitingOptions,
): Promise<void> {
  await make(context, id, options, { from: number ?? (await servedBefore(context, id)) })
}

async function servedBefore(context: CommandContext, id: string): Promise<number> {
  const [{ items }, { liveRelease }] = await Promise.all([
    context.call('listReleases', { params: { id } }),
    context.call('getDeployment', { params: { id } }),
  ])
  const former = items.find(({ number, liveAt }) => liveAt !== null && number < (liveRelease ?? Infinity))
  if (former !== undefined) return former.number
  throw new CatwalkError('release_not_found', 'No other release has served before.', {
    help: 'List the releases with: bin/catwalk releases',
  })
}

async function make(
  context: CommandContext,
  id: string,
  options: WaitingOptions,
  body: NewRelease,
): Promise<void> {
  const { host, output, signal } = context
  const asked = await context.call('createRelease', { params: { id }, body })
  const deployment = options.wait === false ? asked : await waitUntilServing(asked)
  output.result(
    { id: deployment.id, slug: deployment.slug, state: deployment.state, release: deployment.release.number },
    () =>
      `${cleanLine(deployment.slug)} v${deployment.release.number} is ${deployment.release.state}; the deployment is ${paintState(output, deployment.state)}.`,
  )

  async function waitUntilServing({
    id: deploymentId,
    slug,
    release: next,
  }: Deployment): Promise<Deployment> {
    output.note(`Release v${next.number} of ${cleanLine(slug)}. What serves goes on until it has answered.`)
    using progress = createProgress(host, output, next.id)
    return await follow(await context.api(), deploymentId, judgeServing, {
      timeoutMs: options.timeout * 1000,
      signal,
      onItem: (item) => progress.see(item),
    })
  }
}

export async function diff(
  context: CommandContext,
  id: string,
  number: number | undefined,
  since: number | undefined,
): Promise<void> {
  const newest = number ?? (await context.call('getDeployment', { params: { id } })).release.number
  const changes = await context.call('compareReleases', {
    params: { id, number: String(newest) },
    query: since === undefined ? {} : { since },
  })
  context.output.result(changes, () => describe(changes))
}

function describe(changes: Changes): string {
  const lines = [
    ...pair('package', changes.package),
    ...pair(
      'arguments',
      changes.args && { from: changes.args.from.join(' '), to: changes.args.to.join(' ') },
    ),
    ...changes.settings.flatMap((setting) =>
      pair(setting.name, { from: String(setting.from), to: String(setting.to) }),
    ),
    ...names('variable', changes.variables),
    ...names(
      'tool',
      changes.tools && {
        ...changes.tools,
        changed: changes.tools.changed.map(({ name, members }) => `${name} (${members.join(', ')})`),
      },
    ),
    ...names('resource', changes.resources),
    ...names('prompt', changes.prompts),
  ]
  const head = `v${changes.from} → v${changes.to}`
  return lines.length === 0 ? `${head}: no difference` : [head, ...lines].join('\n')
}

function pair(name: string, change: { from: string; to: string } | null): string[] {
  if (change === null) return []
  return [cleanLine(`~ ${name}: ${change.from || 'none'} → ${change.to || 'none'}`)]
}

function names(what: string, changes: Changes['variables']): string[] {
  if (changes === null) return []
  const list = (sign: string, items: readonly string[]) =>
    items.map((name) => cleanLine(`${sign} ${what} ${name}`))
  return [...list('+', changes.added), ...list('-', changes.removed), ...list('~', changes.changed)]
}
