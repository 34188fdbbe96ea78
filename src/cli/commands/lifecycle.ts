import { CatwalkError } from '../../domain/index.ts'
import { ApiError } from '../../contract/index.ts'
import { cleanLine } from '../clean-text.ts'
import type { CommandContext, CommonOptions } from '../context.ts'
import type { Deployment } from '../failure.ts'
import { ask } from '../input.ts'
import { createProgress } from '../progress.ts'
import { paintState } from '../summary.ts'
import { follow, judgeGone, judgeStart, judgeStopped } from '../wait.ts'

export interface LifecycleOptions extends CommonOptions {
  readonly wait?: boolean
  /** Seconds. */
  readonly timeout: number
}

export interface RemoveOptions extends LifecycleOptions {
  readonly yes?: boolean
}

type Verb = 'stop' | 'start' | 'restart'

const ROUTES = { stop: 'stopDeployment', start: 'startDeployment', restart: 'restartDeployment' } as const

export async function changeState(
  context: CommandContext,
  verb: Verb,
  id: string,
  options: LifecycleOptions,
): Promise<void> {
  const asked = await context.call(ROUTES[verb], { params: { id } })
  const deployment = options.wait === true ? await waitFor(context, verb, asked, options) : asked
  printState(context, deployment)
}

async function waitFor(
  context: CommandContext,
  verb: Verb,
  asked: Deployment,
  options: LifecycleOptions,
): Promise<Deployment> {
  const { host, output, signal } = context
  // A release that is live has its steps behind it.
  using progress = asked.release.state === 'live' ? null : createProgress(host, output, asked.release.id)
  const judge = verb === 'stop' ? judgeStopped : judgeStart(verb)
  const timeoutMs = options.timeout * 1000
  return await follow(await context.api(), asked.id, judge, {
    timeoutMs,
    signal,
    onItem: (item) => progress?.see(item),
  })
}

export async function remove(context: CommandContext, id: string, options: RemoveOptions): Promise<void> {
  if (options.yes !== true) await confirm(context, id)
  const deployment = await context.call('deleteDeployment', { params: { id } })
  if (options.wait === true) await waitUntilGone(context, deployment.id, options.timeout * 1000)
  context.output.result(
    { id: deployment.id, slug: deployment.slug, deleted: options.wait === true },
    () => `${cleanLine(deployment.slug)} ${options.wait === true ? 'is deleted' : 'is being deleted'}.`,
  )
}

async function confirm(context: CommandContext, id: string): Promise<void> {
  const { host, signal } = context
  if (host.stdin.isTTY !== true || context.output.json) {
    throw new CatwalkError(
      'invalid_request',
      'Deleting asks for a confirmation, and there is nobody to ask.',
      {
        help: 'Say it with --yes.',
      },
    )
  }
  const { slug } = await context.call('getDeployment', { params: { id } })
  const question = `Delete ${cleanLine(slug)} with its credentials, tokens and logs? This cannot be undone. [y/N] `
  const answer = await ask(host, question, signal)
  if (!/^y(es)?$/i.test(answer.trim())) {
    throw new CatwalkError('invalid_request', 'Not confirmed; nothing was deleted.', {
      help: 'Answer y to delete.',
    })
  }
}

async function waitUntilGone(context: CommandContext, id: string, timeoutMs: number): Promise<void> {
  try {
    await follow(await context.api(), id, judgeGone, { timeoutMs, signal: context.signal })
  } catch (error) {
    // It was gone before the feed was opened.
    if (!(error instanceof ApiError && error.body.error === 'deployment_not_found')) throw error
  }
}

function printState(context: CommandContext, deployment: Deployment): void {
  const { output } = context
  output.result(deployment, () => `${cleanLine(deployment.slug)} is ${paintState(output, deployment.state)}.`)
}
