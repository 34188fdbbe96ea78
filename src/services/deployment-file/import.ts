import {
  DEPLOYMENT_FILE_VERSION,
  DeploymentFile,
  type ParsedInput,
  type RouteOutput,
} from '../../contract/index.ts'
import {
  CatwalkError,
  headerProblem,
  isArgumentCredential,
  quoted,
  valueProblem,
  variableProblem,
  variablesIn,
  type Analysis,
  type LaunchArgument,
  type LaunchPackage,
  type LaunchTransport,
  type RuntimeKind,
} from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'
import { checkVerdict } from '../deployments/plan.ts'
import { storeDeployment } from '../deployments/store.ts'
import { admitWorkspace, chooseRuntime } from '../releases/runtime.ts'
import { findPackage } from './find-package.ts'
import { openValues, type File } from './seal.ts'
import { storeTools, warningsOfTools } from './tools.ts'

/**
 * Deploys what an export gave. The file is taken for somebody else's: what it runs is looked up and checked as for any
 * deployment, and what it opens to others has to be confirmed.
 * @throws CatwalkError `deployment_file_invalid`, `deployment_file_newer`, `passphrase_wrong`, `missing_variable`
 *   naming all that is missing, `invalid_variable`, `unconfirmed_warnings`, `slug_taken`, `runtime_unavailable`, and
 *   those of `findPackage`
 */
export async function importDeployment(
  ctx: ServiceContext,
  { body }: ParsedInput<'importDeployment'>,
): Promise<RouteOutput<'importDeployment'>> {
  const file = parseFile(body.file)
  checkNames(file)
  const { runtime, notes } = findRuntime(ctx, file)
  await admitWorkspace(ctx.installation.runtimes, runtime, ctx.actor.workspaceId)
  const kept =
    file.secrets === null || body.passphrase === undefined
      ? {}
      : await openValues(file, file.secrets, body.passphrase)
  const values = new Map(Object.entries({ ...kept, ...body.values }))
  refuseMissing(file, values)
  const found = await findPackage(ctx, file)
  const warnings = [...found.analysis.warnings, ...choicesOfOthers(file), ...warningsOfTools(file.tools)]
  checkVerdict({ ...found.analysis, warnings }, body)
  checkValues(file, found.analysis, values)
  const { launch, run, settings, tools } = file
  const personal = launch.values.filter((value) => value.personal === true).map(({ name }) => name)
  const created = await storeDeployment(ctx, {
    name: body.name ?? file.name,
    slug: body.slug,
    slugBase: file.slug,
    source: found.source,
    tracked: null,
    launchSpec: {
      package: found.package,
      args: launch.args,
      userArgs: launch.userArgs.map((argument): LaunchArgument =>
        typeof argument === 'string' ? argument : { prefix: argument.prefix, credential: argument.value },
      ),
      variables: launch.values.map(({ name, description, secret, default: standard, file: path }) => ({
        name,
        description,
        secret,
        default: standard,
        required: true,
        ...(path === undefined ? {} : { file: path }),
      })),
      transport: transportOf(found.package, launch),
    },
    credentials: new Map([...values].filter(([name]) => !personal.includes(name))),
    own: new Map([...values].filter(([name]) => personal.includes(name))),
    settings: { ...run, runtime, ...(personal.length === 0 ? {} : { personal }) },
    endpoint: settings,
    ...(tools === undefined
      ? {}
      : {
          alsoStore: (tx, deploymentId, releaseId) => storeTools(tx, deploymentId, releaseId, tools),
        }),
    tokenName: 'first',
    action: 'deployment.import',
  })
  const { slug } = created.deployment
  if (body.slug === undefined && slug !== file.slug)
    notes.push(`'${file.slug}' is taken; it is '${slug}' here.`)
  return { ...created, notes }
}

function transportOf({ kind }: LaunchPackage, { headers = [], port }: File['launch']): LaunchTransport {
  if (kind === 'remote') return { kind: 'http', headers }
  return kind === 'oci' && port !== undefined ? { kind: 'port', ...port } : { kind: 'stdio' }
}

/** @throws CatwalkError `deployment_file_invalid`, `deployment_file_newer` */
function parseFile(document: Readonly<Record<string, unknown>>): File {
  const { format, version } = document
  if (format !== 'catwalk-deployment') {
    throw new CatwalkError('deployment_file_invalid', 'This is not what an export of a deployment gives.')
  }
  if (typeof version === 'number' && version > DEPLOYMENT_FILE_VERSION) {
    throw new CatwalkError(
      'deployment_file_newer',
      `The file has version ${version}; this Catwalk reads up to ${DEPLOYMENT_FILE_VERSION}.`,
    )
  }
  const parsed = DeploymentFile.safeParse(document)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const where = issue?.path.map(String).join('.') ?? ''
  throw new CatwalkError(
    'deployment_file_invalid',
    `${where === '' ? 'The file' : `Its part ${quoted(where)}`} is not as an export writes it.`,
    { details: { field: where } },
  )
}

/** @throws CatwalkError `invalid_variable` for a name that no server may be given, `deployment_file_invalid` */
function checkNames({ launch, tools }: File): void {
  const twice = tools?.items.find(
    ({ tool }, index) => index !== tools.items.findIndex((one) => one.tool === tool),
  )
  if (twice !== undefined) {
    throw new CatwalkError('deployment_file_invalid', `The file has the tool ${quoted(twice.tool)} twice.`)
  }
  const names = new Set<string>()
  for (const { name } of launch.values) {
    const problem = isArgumentCredential(name) ? null : variableProblem(name, 'x')
    if (problem !== null)
      throw new CatwalkError('invalid_variable', `The variable ${quoted(name)} ${problem}.`)
    if (names.has(name)) {
      throw new CatwalkError('deployment_file_invalid', `The file has the value ${quoted(name)} twice.`)
    }
    names.add(name)
  }
  for (const header of launch.headers ?? []) {
    const problem = headerProblem(header)
    if (problem !== null)
      throw new CatwalkError('deployment_file_invalid', `The header ${quoted(header.name)} ${problem}.`)
    if (variablesIn(header).every((name) => names.has(name))) continue
    throw new CatwalkError(
      'deployment_file_invalid',
      'A header in the file has a value that it does not name.',
    )
  }
  const unknown = launch.userArgs.find(
    (argument) => typeof argument !== 'string' && !names.has(argument.value),
  )
  if (unknown !== undefined) {
    throw new CatwalkError(
      'deployment_file_invalid',
      'An argument in the file ends in a value that it does not name.',
    )
  }
}

/** The runtime of the file where there is one of its kind, otherwise the first one here. */
function findRuntime(ctx: ServiceContext, { run, launch }: File): { runtime: RuntimeKind; notes: string[] } {
  const offers = ctx.installation.runtimes
  const asked = offers.some(({ kind }) => kind === run.runtime) ? run.runtime : undefined
  const { network } = run
  const runtime = chooseRuntime(offers, asked, { network }, launch.package.kind)
  const note = `There is no runtime '${run.runtime}' here; it runs on '${runtime}'.`
  return { runtime, notes: runtime === run.runtime ? [] : [note] }
}

/** @throws CatwalkError `missing_variable` */
function refuseMissing({ launch, secrets }: File, values: ReadonlyMap<string, string>): void {
  const missing = launch.values
    .filter((value) => value.personal !== true)
    .map(({ name }) => name)
    .filter((name) => !values.has(name))
  if (missing.length === 0) return
  throw new CatwalkError('missing_variable', `It needs values that are not given: ${missing.join(', ')}.`, {
    help:
      secrets === null
        ? 'The file was exported without secrets. Give them with the import: in the form, or on the command line with --env NAME=VALUE.'
        : 'Give the passphrase that the file was exported with, or the values themselves.',
    details: { missing },
  })
}

/** @throws CatwalkError `invalid_variable`, `missing_variable` */
function checkValues({ launch }: File, analysis: Analysis, values: ReadonlyMap<string, string>): void {
  const known = new Map(launch.values.map((value) => [value.name, value]))
  for (const [name, value] of values) {
    const declared = known.get(name)
    const problem = declared === undefined ? 'is not in the file' : problemOf(declared, analysis, value)
    if (problem === null) continue
    throw new CatwalkError(
      value === '' ? 'missing_variable' : 'invalid_variable',
      `The value ${quoted(name)} ${problem}.`,
      { details: { field: `values.${name.slice(0, 80)}` } },
    )
  }
}

function problemOf(
  { name, file }: File['launch']['values'][number],
  analysis: Analysis,
  value: string,
): string | null {
  if (value === '') return 'is empty'
  if (isArgumentCredential(name)) return value.length > 4096 ? 'is longer than 4 KiB' : null
  const problem = variableProblem(name, value)
  if (problem !== null || file !== undefined) return problem
  const variable = analysis.env.find((candidate) => candidate.name === name)
  return variable === undefined ? null : valueProblem(variable, value)
}

/** What somebody else chose and may not be what whoever imports it wants. */
function choicesOfOthers({ run, settings }: File): Analysis['warnings'] {
  return [
    ...(settings.access === 'public'
      ? [
          {
            code: 'lets_everybody_in',
            message: 'Its endpoint lets everybody in, without a token or sign-in.',
          },
        ]
      : []),
    ...(settings.allowedOrigins.length === 0
      ? []
      : [
          {
            code: 'allows_web_pages',
            message: `Web pages of ${settings.allowedOrigins.join(', ')} may call it.`,
          },
        ]),
    ...(run.allowScripts
      ? [{ code: 'runs_install_scripts', message: "The package's install scripts run, in the sandbox." }]
      : []),
  ]
}
