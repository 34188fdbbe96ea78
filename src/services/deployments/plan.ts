import type { ParsedInput } from '../../contract/index.ts'
import {
  argumentCredential,
  CatwalkError,
  headerProblem,
  missingValues,
  needsConfirmation,
  quoted,
  valueProblem,
  variableProblem,
  variablesIn,
  type AnalysedArgument,
  type Analysis,
  type Given,
  type LaunchArgument,
  type LaunchPackage,
  type LaunchSpec,
  type VariableDeclaration,
} from '../../domain/index.ts'

export type Wish = ParsedInput<'createDeployment'>['body']

/** What a snippet gives besides the source. Values may be secrets. */
export interface FromSnippet {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** What is stored to deploy: the launch spec, and by name the values that are kept as credentials. */
export interface Plan {
  readonly launchSpec: LaunchSpec
  readonly credentials: ReadonlyMap<string, string>
  /** Of those of which each member brings their own: what whoever deploys gives for themselves. */
  readonly own: ReadonlyMap<string, string>
}

const MAX_VALUES = 200

/**
 * Refuses what cannot be deployed, or not without an explicit yes.
 * @throws CatwalkError `not_a_server`, `source_not_deployable`, `unconfirmed_warnings`
 */
export function checkVerdict(analysis: Analysis, { confirmWarnings }: Pick<Wish, 'confirmWarnings'>): void {
  const reason = analysis.reason ?? 'Nothing in it says how it is started.'
  if (analysis.launch === null || analysis.verdict === 'unsupported') {
    throw new CatwalkError(
      analysis.verdict === 'not_a_server' ? 'not_a_server' : 'source_not_deployable',
      reason,
    )
  }
  if (confirmWarnings) return
  if (analysis.verdict === 'not_a_server') throw new CatwalkError('not_a_server', reason)
  const open = analysis.warnings.filter(({ code }) => needsConfirmation(code))
  if (open.length === 0) return
  throw new CatwalkError('unconfirmed_warnings', open.map(({ message }) => message).join(' '), {
    details: { warnings: open.map(({ code, message }) => ({ code, message })) },
  })
}

/**
 * What the caller and a snippet give, checked against the analysis before anything starts.
 * @throws CatwalkError `invalid_variable`, `missing_variable` naming all that is missing
 */
export function collectValues(analysis: Analysis, wish: Wish, snippet: FromSnippet | null): Given {
  const files = new Map(Object.entries(wish.files))
  const variables = new Map(
    Object.entries({ ...snippet?.env, ...wish.variables }).filter(([name]) => !files.has(name)),
  )
  const given: Given = {
    variables,
    files,
    arguments: new Map(Object.entries(wish.arguments)),
    args: [...(snippet?.args ?? []), ...wish.args],
  }
  if (variables.size + files.size + given.arguments.size > MAX_VALUES) {
    throw new CatwalkError('invalid_variable', `There are more than ${MAX_VALUES} values.`)
  }
  for (const [name, value] of [...variables, ...files]) checkValue(analysis, name, value, files.has(name))
  for (const [name, value] of given.arguments) checkArgument(analysis, name, value)
  const accounts = Object.keys(wish.accounts)
  for (const name of [...wish.personal, ...accounts]) checkPersonal(name)
  const twice = accounts.find((name) => variables.has(name) || files.has(name))
  if (twice !== undefined) {
    throw new CatwalkError(
      'invalid_variable',
      `${quoted(twice)} comes from an account and has a value as well.`,
      {
        details: { field: 'accounts' },
      },
    )
  }
  if (!wish.allowMissing) checkMissing(analysis, withPersonal(given, [...wish.personal, ...accounts]))
  return given
}

/** Whoever calls brings it, so it is not missing. */
function withPersonal(given: Given, personal: readonly string[]): Given {
  return {
    ...given,
    variables: new Map([...personal.map((name) => [name, name] as const), ...given.variables]),
  }
}

function checkPersonal(name: string): void {
  const problem = variableProblem(name, 'value')
  if (problem === null) return
  throw new CatwalkError('invalid_variable', `The variable ${quoted(name)} ${problem}.`, {
    details: { field: 'personal' },
  })
}

function checkValue(analysis: Analysis, name: string, value: string, isFile: boolean): void {
  const declared = isFile ? undefined : analysis.env.find((variable) => variable.name === name)
  const tooLong = isFile && value.length > 65_536
  const problem =
    variableProblem(name, tooLong ? value.slice(0, 1) : value) ??
    (declared === undefined ? null : valueProblem(declared, value))
  if (problem === null) return
  throw new CatwalkError(
    value === '' ? 'missing_variable' : 'invalid_variable',
    `The variable ${quoted(name)} ${problem}.`,
    { details: { field: `${isFile ? 'files' : 'variables'}.${name.slice(0, 80)}` } },
  )
}

function checkArgument(analysis: Analysis, name: string, value: string): void {
  const field = `arguments.${name.slice(0, 80)}`
  if (!analysis.arguments.some((argument) => argument.name === name)) {
    throw new CatwalkError('invalid_variable', `The analysis knows no argument ${quoted(name)}.`, {
      help: 'Give it verbatim instead (args; --arg on the command line).',
      details: { field },
    })
  }
  if (value !== '' && !value.includes('\0')) return
  throw new CatwalkError('invalid_variable', `The argument ${quoted(name)} has no usable value.`, {
    details: { field },
  })
}

function checkMissing(analysis: Analysis, given: Given): void {
  const missing = missingValues(analysis, given)
  if (missing.length === 0) return
  throw new CatwalkError(
    'missing_variable',
    `These values are required and missing: ${missing.join('; ')}.`,
    {
      help: 'Give them and deploy again: in the form, or on the command line with --env NAME=VALUE, --file NAME=PATH or --arg=VALUE. What you know that it does not need can be left out there with --allow-missing.',
      details: { missing },
    },
  )
}

/** The launch spec with everything filled in, and the values to keep. Pure. */
export function planLaunch(
  analysis: Analysis,
  pkg: LaunchPackage,
  given: Given,
  startArgs: readonly string[] | undefined,
  snippetArgs: readonly string[],
  personal: readonly string[] = [],
): Plan {
  const credentials = new Map([...given.variables, ...given.files])
  const userArgs: LaunchArgument[] = []
  const positional = analysis.arguments
    .filter(({ position }) => position !== null)
    .toSorted((a, b) => (a.position ?? 0) - (b.position ?? 0))
  for (const argument of [...analysis.arguments.filter(({ position }) => position === null), ...positional]) {
    const value = given.arguments.get(argument.name)
    if (value === undefined) continue
    const credential = argumentCredential(argument.name)
    credentials.set(credential, value)
    if (argument.position === null) userArgs.push(argument.name)
    userArgs.push({ prefix: '', credential })
  }
  userArgs.push(...withoutSecrets(analysis.arguments, given.args, credentials))
  const isOwn = (name: string): boolean => personal.includes(name)
  const names = new Set([...credentials.keys(), ...personal])
  return {
    credentials: new Map([...credentials].filter(([name]) => !isOwn(name))),
    own: new Map([...credentials].filter(([name]) => isOwn(name))),
    launchSpec: {
      package: pkg,
      // A snippet that passes arguments says all that it starts with.
      args: startArgs ?? (snippetArgs.length > 0 ? [] : (analysis.launch?.args ?? [])),
      userArgs,
      variables: [...names].map((name) => declare(analysis, name, given.files.has(name))),
      transport: transportOf(analysis, pkg, names),
    },
  }
}

/** Headers that depend on a value which nobody gives are left out; those that must not be were asked for before. */
function transportOf(
  { launch }: Analysis,
  pkg: LaunchPackage,
  names: ReadonlySet<string>,
): LaunchSpec['transport'] {
  if (pkg.kind === 'oci' && launch?.port !== undefined) return { kind: 'port', ...launch.port }
  if (pkg.kind !== 'remote') return { kind: 'stdio' }
  const headers = (launch?.headers ?? []).filter(
    (header) => headerProblem(header) === null && variablesIn(header).every((name) => names.has(name)),
  )
  return { kind: 'http', headers }
}

function declare(analysis: Analysis, name: string, isFile: boolean): VariableDeclaration {
  const found = analysis.env.find((variable) => variable.name === name)
  return {
    name,
    description: found?.description ?? null,
    required: true,
    // What is not known is taken for a secret.
    secret: found?.secret ?? true,
    default: found?.default ?? null,
    ...(isFile
      ? {
          file: `${name.toLowerCase()}.${found?.format === 'json' || found === undefined || found.format === 'file' ? 'json' : 'txt'}`,
        }
      : {}),
  }
}

/** Verbatim arguments, in which the value of one that is secret is kept as a credential. */
function withoutSecrets(
  known: readonly AnalysedArgument[],
  words: readonly string[],
  credentials: Map<string, string>,
): LaunchArgument[] {
  const secrets = known.filter(({ secret, position }) => secret && position === null).map(({ name }) => name)
  const keep = (name: string, prefix: string, value: string): LaunchArgument => {
    const credential = argumentCredential(name)
    if (credentials.has(credential) && credentials.get(credential) !== value) return prefix + value
    credentials.set(credential, value)
    return { prefix, credential }
  }
  return words.map((word, index) => {
    const before = words[index - 1]
    if (before !== undefined && secrets.includes(before)) return keep(before, '', word)
    const equals = word.indexOf('=')
    const name = word.slice(0, Math.max(equals, 0))
    return secrets.includes(name) && equals < word.length - 1
      ? keep(name, `${name}=`, word.slice(equals + 1))
      : word
  })
}
