import { CatwalkError } from '../../domain/index.ts'
import type { ApiClient, RouteOutput } from '../../contract/index.ts'
import type { CommandContext, CommonOptions } from '../context.ts'
import { DeploymentFailedError, InterruptedError, type Deployment } from '../failure.ts'
import { createProgress } from '../progress.ts'
import { formatSummary } from '../summary.ts'
import { readVariables } from '../variables.ts'
import { follow, judgeServing } from '../wait.ts'

export interface DeployOptions extends CommonOptions {
  readonly name?: string
  readonly slug?: string
  readonly env?: readonly string[]
  readonly envFile?: string
  readonly arg?: readonly string[]
  readonly executable?: string
  readonly network?: 'none' | 'internet'
  readonly allowScripts?: boolean
  readonly memory?: number
  readonly wait?: boolean
  /** Seconds. */
  readonly timeout: number
}

type Created = RouteOutput<'createDeployment'>

export async function deploy(context: CommandContext, source: string, options: DeployOptions): Promise<void> {
  const { host, output, signal } = context
  const variables = await readVariables(options.env ?? [], options.envFile, host, output, signal)
  const created = await context.call('createDeployment', {
    body: {
      source,
      variables,
      args: [...(options.arg ?? [])],
      ...(options.name === undefined ? {} : { name: options.name }),
      ...(options.slug === undefined ? {} : { slug: options.slug }),
      ...(options.executable === undefined ? {} : { executable: options.executable }),
      ...(options.network === undefined ? {} : { network: options.network }),
      ...(options.allowScripts === true ? { allowScripts: true } : {}),
      ...(options.memory === undefined ? {} : { memoryMiB: options.memory }),
    },
  })
  const deployment =
    options.wait !== false
      ? await waitUntilServing(context, await context.api(), created, options.timeout * 1000)
      : created.deployment
  output.result(
    {
      id: deployment.id,
      slug: deployment.slug,
      state: deployment.state,
      endpoint: deployment.endpoint,
      token: created.token.secret,
    },
    () => formatSummary(output, deployment, created.token.secret),
  )
}

async function waitUntilServing(
  context: CommandContext,
  api: ApiClient,
  { deployment, token }: Created,
  timeoutMs: number,
): Promise<Deployment> {
  const { host, output, signal } = context
  output.note(`Deploying ${deployment.slug} from ${deployment.source}`)
  try {
    using progress = createProgress(host, output, deployment.release.id)
    const onItem = progress.see.bind(progress)
    return await follow(api, deployment.id, judgeServing, { timeoutMs, signal, onItem })
  } catch (error) {
    if (error instanceof DeploymentFailedError) throw error
    // It goes on without us, and its token is never shown again.
    if (!output.json) output.note(formatSummary(output, deployment, token.secret))
    throw withToken(error, deployment, token.secret)
  }
}

function withToken(error: unknown, deployment: Deployment, token: string): unknown {
  if (error instanceof InterruptedError || !(error instanceof CatwalkError)) return error
  const { id, slug, endpoint } = deployment
  return new CatwalkError(error.code, error.message, {
    help: error.help,
    details: { ...error.details, id, slug, endpoint, token },
    cause: error,
  })
}
