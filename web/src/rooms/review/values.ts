import type { Analysis, CreateDeployment, Release } from '../../api/client.ts'
import { toForm, toPolicy, type NetworkForm } from '../../app/network-policy.ts'

export interface VariableRow {
  name: string
  value: string
  /** Known from the analysis, so that its name stays and its value may be left open. */
  isKnown: boolean
  /** Each member brings their own; a value here is of whoever deploys. */
  isPersonal: boolean
}

/** What the review form holds. */
export interface ReviewValues {
  name: string
  slug: string
  variables: VariableRow[]
  /** Values of the arguments that the analysis names, in its order. */
  named: string[]
  /** One argument a line. */
  args: string
  executable: string
  /** Empty for the first that the installation has. */
  runtime: '' | Release['runtime']
  network: NetworkForm
  /** As typed; empty for the default. */
  memoryMiB: string
  /** What to do with install scripts; empty until it is decided. */
  scripts: '' | 'leave' | 'run'
  isConfirmed: boolean
  /** It is being deployed without what is missing. */
  isWithout: boolean
}

/** What the form starts with. */
export function initialValues(analysis: Analysis): ReviewValues {
  return {
    name: analysis.name,
    slug: analysis.slug,
    variables: shownVariables(analysis).map(({ name }) => ({
      name,
      value: '',
      isKnown: true,
      isPersonal: false,
    })),
    named: analysis.arguments.map(() => ''),
    args: '',
    executable: '',
    runtime: '',
    network: toForm('internet'),
    memoryMiB: '',
    scripts: '',
    isConfirmed: false,
    isWithout: false,
  }
}

/** The variables of the form: what must be given first. */
function shownVariables({ env, requiredOneOf }: Analysis): Analysis['env'] {
  const grouped = new Set(requiredOneOf.flat(2))
  const weight = ({ name, required }: Analysis['env'][number]) => (required ? 0 : grouped.has(name) ? 1 : 2)
  return env.toSorted((a, b) => weight(a) - weight(b))
}

/** Whether a variable of the analysis can be left alone. */
export function isAside({ env, requiredOneOf }: Analysis, name: string): boolean {
  const known = env.find((variable) => variable.name === name)
  return known !== undefined && !known.required && !requiredOneOf.flat(2).includes(name)
}

/** Variables that what was pasted has values for; after the page was loaded anew it is gone. */
export function pastedNames({ snippet }: Analysis, pasted: string | undefined): ReadonlySet<string> {
  return new Set(pasted === undefined ? [] : snippet?.env)
}

/** What is asked for and has no value. Ways of which one is enough are one entry: `A, or B and C`. */
export function missingValues(
  { env, requiredOneOf, arguments: asked }: Analysis,
  { variables, named }: Pick<ReviewValues, 'variables' | 'named'>,
  pasted: ReadonlySet<string>,
): readonly string[] {
  const given = new Set([
    ...pasted,
    ...variables.filter(({ value, isPersonal }) => value !== '' || isPersonal).map(({ name }) => name.trim()),
    ...asked.filter((_, index) => named[index] !== undefined && named[index] !== '').map(({ name }) => name),
  ])
  const grouped = new Set(requiredOneOf.flat(2))
  const single = [
    ...env.filter(({ required, default: value }) => required && value === null),
    ...asked.filter(({ required }) => required),
  ].map(({ name }) => name)
  return [
    ...single.filter((name) => !given.has(name) && !grouped.has(name)),
    ...requiredOneOf
      .filter((group) => !group.some((names) => names.every((name) => given.has(name))))
      .map((group) => group.map((names) => names.join(' and ')).join(', or ')),
  ]
}

type Decided = Pick<ReviewValues, 'scripts' | 'isConfirmed'>

/** Why it cannot be deployed yet, in words; null when it can. */
export function blockedBecause(analysis: Analysis, decided: Decided, runtimeOk: boolean): string | null {
  const { warnings } = analysis
  if (!runtimeOk) return 'Servers cannot be started on this machine yet. See the note at the top.'
  if (warnings.some(({ code }) => code === 'install_scripts') && decided.scripts === '') {
    return 'Decide about the install scripts first.'
  }
  return needsConfirmation(analysis) && !decided.isConfirmed ? 'Confirm the notes above first.' : null
}

/** Whether something is to be confirmed knowingly, and can be: no yes makes a server of what cannot be started. */
export function needsConfirmation({ launch, verdict, warnings }: Analysis): boolean {
  if (launch === null || verdict === 'unsupported') return false
  return verdict === 'not_a_server' || warnings.some(({ confirm }) => confirm)
}

/**
 * The request that the form stands for. Values that were left open are left out.
 * @param pasted a snippet or command line, which gives the rest
 */
export function toRequest(
  analysis: Analysis,
  values: ReviewValues,
  pasted: string | undefined,
): CreateDeployment {
  const given = values.variables.filter(({ name, value }) => name.trim() !== '' && value !== '')
  const isFile = ({ name, isKnown }: VariableRow): boolean =>
    isKnown && analysis.env.some((variable) => variable.name === name && variable.format === 'file')
  const files = given.filter((row) => isFile(row))
  const named = analysis.arguments.flatMap(({ name }, index): [string, string][] => {
    const value = values.named[index] ?? ''
    return value === '' ? [] : [[name, value]]
  })
  const personal = values.variables
    .filter(({ name, isPersonal }) => isPersonal && name.trim() !== '')
    .map(({ name }) => name.trim())
  const memory = values.memoryMiB.trim()
  return {
    analysisId: analysis.id,
    ...(pasted === undefined || analysis.snippet === null
      ? {}
      : { source: pasted, server: analysis.snippet.server }),
    name: values.name,
    // A suggestion that was left alone is the server's to make: what was free may be taken by now.
    ...(values.slug === analysis.slug ? {} : { slug: values.slug }),
    variables: entries(given.filter((row) => !isFile(row))),
    ...(files.length === 0 ? {} : { files: entries(files) }),
    ...(named.length === 0 ? {} : { arguments: Object.fromEntries(named) }),
    ...(personal.length === 0 ? {} : { personal }),
    args: values.args.split('\n').filter((line) => line !== ''),
    ...(values.executable === '' ? {} : { executable: values.executable }),
    ...(values.runtime === '' ? {} : { runtime: values.runtime }),
    network: toPolicy(values.network),
    allowScripts: values.scripts === 'run',
    ...(memory === '' ? {} : { memoryMiB: Number(memory) }),
    ...(values.isConfirmed ? { confirmWarnings: true } : {}),
    ...(values.isWithout ? { allowMissing: true } : {}),
  }
}

function entries(rows: readonly VariableRow[]): Record<string, string> {
  return Object.fromEntries(rows.map(({ name, value }) => [name.trim(), value]))
}
