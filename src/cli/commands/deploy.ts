import { readFile } from 'node:fs/promises'
import { CatwalkError, quoted, type RuntimeKind } from '../../domain/index.ts'
import type { ApiClient, RouteInput, RouteOutput } from '../../contract/index.ts'
import type { CommandContext, CommonOptions } from '../context.ts'
import { DeploymentFailedError, InterruptedError, isApiError, type Deployment } from '../failure.ts'
import { askHidden } from '../input.ts'
import { createProgress } from '../progress.ts'
import { formatSummary } from '../summary.ts'
import { readAccounts } from '../account-sources.ts'
import { readVariables } from '../variables.ts'
import { follow, judgeServing } from '../wait.ts'
import { readNetwork } from './network.ts'

export interface DeployOptions extends CommonOptions {
  readonly name?: string
  readonly slug?: string
  readonly env?: readonly string[]
  readonly envFile?: string
  readonly arg?: readonly string[]
  /** `Name: value` */
  readonly header?: readonly string[]
  readonly personal?: readonly string[]
  /** NAME=PROVIDER */
  readonly account?: readonly string[]
  readonly executable?: string
  readonly server?: string
  readonly yes?: boolean
  /** NAME=PATH */
  readonly file?: readonly string[]
  readonly runtime?: RuntimeKind
  readonly network?: string
  readonly allowScripts?: boolean
  readonly allowMissing?: boolean
  readonly memory?: number
  readonly wait?: boolean
  /** Seconds. */
  readonly timeout: number
}

/** The source is read and looked up before the answer. */
export const ANALYSIS_TIMEOUT_MS = 200_000

export type Created = RouteOutput<'createDeployment'>
type Wish = RouteInput<'createDeployment'>['body']

export async function deploy(context: CommandContext, source: string, options: DeployOptions): Promise<void> {
  const { host, output, signal } = context
  const variables = await readVariables(options.env ?? [], options.envFile, host, output, signal)
  const files = await readFiles(options.file ?? [])
  const created = await createAsking(context, {
    source,
    variables,
    args: [...(options.arg ?? [])],
    ...(Object.keys(files).length === 0 ? {} : { files }),
    ...(options.header === undefined ? {} : { headers: readHeaders(options.header) }),
    ...(options.personal === undefined ? {} : { personal: [...options.personal] }),
    ...(options.account === undefined ? {} : { accounts: readAccounts(options.account) }),
    ...(options.server === undefined ? {} : { server: options.server }),
    ...(options.yes === true ? { confirmWarnings: true } : {}),
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.slug === undefined ? {} : { slug: options.slug }),
    ...(options.executable === undefined ? {} : { executable: options.executable }),
    ...(options.runtime === undefined ? {} : { runtime: options.runtime }),
    ...(options.network === undefined ? {} : { network: readNetwork(options.network) }),
    ...(options.allowScripts === true ? { allowScripts: true } : {}),
    ...(options.allowMissing === true ? { allowMissing: true } : {}),
    ...(options.memory === undefined ? {} : { memoryMiB: options.memory }),
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

/** On a terminal what is required and missing is asked for, once; anywhere else it is the error that it is. */
async function createAsking(context: CommandContext, body: Wish): Promise<Created> {
  const create = (wish: Wish): Promise<Created> =>
    context.call('createDeployment', { body: wish }, ANALYSIS_TIMEOUT_MS)
  try {
    return await create(body)
  } catch (error) {
    const { host, output, signal } = context
    const missing = missingNames(error)
    if (missing.length === 0 || host.stdin.isTTY !== true || output.json) throw error
    output.note('It needs values that only you have. They are not shown as you type.')
    const variables = { ...body.variables }
    const named: Record<string, string> = {}
    for (const name of missing) {
      const value = await askHidden(host, `Value of ${name}: `, signal)
      if (value === '') throw error
      if (VARIABLE.test(name)) variables[name] = value
      else named[name] = value
    }
    return create({ ...body, variables, ...(Object.keys(named).length === 0 ? {} : { arguments: named }) })
  }
}

const VARIABLE = /^[A-Z_][A-Z0-9_]*$/

/** What an error says is missing, when each of it is one name; ways of which one is enough are for the reader to choose. */
export function missingNames(error: unknown): readonly string[] {
  if (!isApiError(error) || error.body.error !== 'missing_variable') return []
  const missing = error.body.details?.['missing']
  if (!Array.isArray(missing)) return []
  const names = missing.filter((name): name is string => typeof name === 'string' && !/[\s,]/.test(name))
  return names.length === missing.length ? names : []
}

export async function waitUntilServing(
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

/**
 * Contents of files by variable, from `NAME=PATH`.
 * @throws CatwalkError `invalid_request` for one that cannot be read
 */
export async function readFiles(flags: readonly string[]): Promise<Record<string, string>> {
  const files: Record<string, string> = {}
  for (const flag of flags) {
    const equals = flag.indexOf('=')
    if (equals < 1) throw fileProblem(`${quoted(flag)} is not NAME=PATH.`)
    const path = flag.slice(equals + 1)
    files[flag.slice(0, equals)] = await readFile(path, 'utf8').catch((error: unknown) => {
      throw fileProblem(`The file ${quoted(path)} cannot be read.`, error)
    })
  }
  return files
}

/** @throws CatwalkError `invalid_request`; never shows what may be a secret */
export function readHeaders(flags: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    flags.map((flag): [string, string] => {
      const [, name, value] = /^([^\s:]+)\s*:\s*(\S.*)$/s.exec(flag) ?? []
      if (name !== undefined && value !== undefined) return [name, value]
      throw new CatwalkError('invalid_request', 'A header is not written as NAME: VALUE.', {
        help: 'Give it as --header "Authorization: Bearer {TOKEN}", and the value with --env TOKEN=VALUE.',
        details: { field: 'headers' },
      })
    }),
  )
}

function fileProblem(message: string, cause?: unknown): CatwalkError {
  return new CatwalkError('invalid_request', message, {
    help: 'Give it as --file NAME=PATH. The server gets the path of a private copy in the variable NAME.',
    details: { field: 'file' },
    cause,
  })
}
