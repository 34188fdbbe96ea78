import { setTimeout as sleep } from 'node:timers/promises'
import type { RouteOutput } from '../../contract/index.ts'
import { CatwalkError } from '../../domain/index.ts'
import { cleanLine } from '../clean-text.ts'
import type { CommandContext } from '../context.ts'
import { formatAge, formatSeconds, formatTable } from '../table.ts'

type Update = RouteOutput<'getUpdate'>

interface LookOptions {
  readonly check?: boolean
  /** Seconds. */
  readonly timeout: number
}

const ASK_MS = 500

/**
 * Has a newer version looked for and waits for what is found; with `check` also until it was tried out.
 * @throws CatwalkError `wait_timeout`, `package_index_unavailable` when it could not be looked for
 */
export async function lookForUpdate(
  context: CommandContext,
  id: string,
  { check, timeout }: LookOptions,
): Promise<Update> {
  const params = { id }
  const end = performance.now() + timeout * 1000
  let update = await context.call('checkUpdate', { params })
  let said: Update['phase'] | null = null
  const busy: readonly Update['phase'][] = check === true ? ['looking', 'trying'] : ['looking']
  while (busy.includes(update.phase)) {
    if (update.phase === 'trying' && said !== 'trying')
      context.output.note(`${cleanLine(update.latest)} is tried out in the sandbox.`)
    said = update.phase
    if (performance.now() > end) {
      throw new CatwalkError('wait_timeout', `Not done after ${formatSeconds(timeout * 1000)}.`)
    }
    await sleep(ASK_MS, undefined, { signal: context.signal })
    update = await context.call('getUpdate', { params })
  }
  if (update.failure !== null) throw new CatwalkError('package_index_unavailable', cleanLine(update.failure))
  return update
}

/** In words, with what would change. */
export function describeUpdate(update: Update): string {
  if (!update.available) return `${cleanLine(update.current)} is the newest version.`
  const { trial, deprecated, isSkipped } = update
  const head = `${cleanLine(update.latest)} is available; ${cleanLine(update.current)} serves.`
  return [
    isSkipped ? `${head} It is skipped.` : head,
    ...(deprecated === null ? [] : [`! Its publisher says: ${cleanLine(deprecated)}`]),
    ...(trial === null ? [] : describeTrial(trial)),
  ].join('\n')
}

function describeTrial(trial: NonNullable<Update['trial']>): string[] {
  const { works, message, tools, resources, prompts, requires } = trial
  const names = (what: string, changes: typeof resources): string[] =>
    changes === null
      ? []
      : [
          ...changes.added.map((name) => `+ ${what} ${name}`),
          ...changes.removed.map((name) => `- ${what} ${name}`),
          ...changes.changed.map((name) => `~ ${what} ${name}`),
        ]
  const lines = [
    ...tools.added.map(({ name }) => `+ tool ${name}`),
    ...tools.removed.map((name) => `- tool ${name}`),
    ...tools.changed.flatMap(({ name, members, from, to }) => [
      `~ tool ${name} (${members.join(', ')})`,
      ...(members.includes('description')
        ? [`    was ${JSON.stringify(from['description'])}`, `    is  ${JSON.stringify(to['description'])}`]
        : []),
    ]),
    ...names('resource', resources),
    ...names('prompt', prompts),
    ...requires.map(({ name }) => `! wants ${name}, which has no value yet`),
  ].map(cleanLine)
  if (!works) return [`! It did not start when it was tried out: ${cleanLine(message ?? '')}`, ...lines]
  if (message !== null) return [cleanLine(message), ...lines]
  return lines.length === 0 ? ['It was tried out: its tools, resources and prompts are the same.'] : lines
}

export async function listUpdates(context: CommandContext): Promise<void> {
  const { output } = context
  const { items } = await context.call('listUpdates', {})
  const now = new Date()
  output.result(items, () =>
    items.length === 0
      ? 'No newer version is known.'
      : formatTable(
          output,
          ['DEPLOYMENT', 'SERVES', 'AVAILABLE', 'PUBLISHED', 'CHANGES'],
          items.map((update) =>
            [
              update.deployment.slug,
              update.current,
              update.isSkipped ? `${update.latest} (skipped)` : update.latest,
              update.publishedAt === null ? '-' : formatAge(update.publishedAt, now),
              inShort(update),
            ].map(cleanLine),
          ),
        ),
  )
}

function inShort({ phase, trial }: Update): string {
  if (trial === null) return phase === 'trying' ? 'being tried out' : '-'
  if (!trial.works) return 'does not start'
  const { added, removed, changed } = trial.tools
  const parts = [
    ...(added.length === 0 ? [] : [`+${added.length}`]),
    ...(removed.length === 0 ? [] : [`-${removed.length}`]),
    ...(changed.length === 0 ? [] : [`~${changed.length}`]),
  ]
  const wants =
    trial.requires.length === 0 ? [] : [`wants ${trial.requires.map(({ name }) => name).join(', ')}`]
  return [...(parts.length === 0 ? [] : [`tools ${parts.join(' ')}`]), ...wants].join('; ') || 'none'
}

/** Leaves the version that is available out, or takes that back. */
export async function skipUpdate(context: CommandContext, id: string, isSkipped: boolean): Promise<void> {
  const params = { id }
  const { available, latest } = await context.call('getUpdate', { params })
  if (!available) throw new CatwalkError('version_not_found', 'No newer version is known.')
  const update = await context.call('skipUpdate', { params, body: { version: isSkipped ? latest : null } })
  context.output.result(update, () =>
    isSkipped
      ? `${cleanLine(latest)} is skipped. You hear of the next one.`
      : `${cleanLine(latest)} is shown again.`,
  )
}
