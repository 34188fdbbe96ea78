import type { Analysis, CreateDeployment, Release } from '../../api/client.ts'

export interface VariableRow {
  name: string
  value: string
  /** Known from the analysis, so that its name stays and its value may be left open. */
  isKnown: boolean
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
  network: 'none' | 'internet'
  /** As typed; empty for the default. */
  memoryMiB: string
  /** What to do with install scripts; empty until it is decided. */
  scripts: '' | 'leave' | 'run'
  isConfirmed: boolean
}

/** What the form starts with. */
export function initialValues(analysis: Analysis): ReviewValues {
  return {
    name: analysis.name,
    slug: analysis.slug,
    variables: shownVariables(analysis).map(({ name }) => ({ name, value: '', isKnown: true })),
    named: analysis.arguments.map(() => ''),
    args: '',
    executable: '',
    runtime: '',
    network: 'internet',
    memoryMiB: '',
    scripts: '',
    isConfirmed: false,
  }
}

/** The variables of the form: what must be given first. */
function shownVariables({ env, requiredOneOf }: Analysis): Analysis['env'] {
  const grouped = new Set(requiredOneOf.flat(2))
  const weight = ({ name, required }: Analysis['env'][number]) => (required ? 0 : grouped.has(name) ? 1 : 2)
  return env.toSorted((a, b) => weight(a) - weight(b))
}

type Decided = Pick<ReviewValues, 'scripts' | 'isConfirmed'>

/** Why it cannot be deployed yet, in words; null when it can. */
export function blockedBecause(analysis: Analysis, decided: Decided, runtimeOk: boolean): string | null {
  const { launch, verdict, warnings } = analysis
  if (launch === null || verdict === 'unsupported') return 'It cannot be deployed, see the note above.'
  if (!runtimeOk) return 'Servers cannot be started on this machine yet. See the note at the top.'
  if (warnings.some(({ code }) => code === 'install_scripts') && decided.scripts === '') {
    return 'Decide about the install scripts first.'
  }
  return needsConfirmation(analysis) && !decided.isConfirmed ? 'Confirm the notes above first.' : null
}

/** Whether something is to be confirmed knowingly. */
export function needsConfirmation({ verdict, warnings }: Analysis): boolean {
  return verdict === 'not_a_server' || warnings.some(({ confirm }) => confirm)
}

/** The request that the form stands for. Values that were left open are left out. */
export function toRequest(analysis: Analysis, values: ReviewValues): CreateDeployment {
  const variables = values.variables.filter(({ name, value }) => name.trim() !== '' && value !== '')
  const named = analysis.arguments.flatMap(({ name }, index): [string, string][] => {
    const value = values.named[index] ?? ''
    return value === '' ? [] : [[name, value]]
  })
  const memory = values.memoryMiB.trim()
  return {
    analysisId: analysis.id,
    name: values.name,
    // A suggestion that was left alone is the server's to make: what was free may be taken by now.
    ...(values.slug === analysis.slug ? {} : { slug: values.slug }),
    variables: Object.fromEntries(variables.map(({ name, value }) => [name.trim(), value])),
    ...(named.length === 0 ? {} : { arguments: Object.fromEntries(named) }),
    args: values.args.split('\n').filter((line) => line !== ''),
    ...(values.executable === '' ? {} : { executable: values.executable }),
    ...(values.runtime === '' ? {} : { runtime: values.runtime }),
    network: values.network,
    allowScripts: values.scripts === 'run',
    ...(memory === '' ? {} : { memoryMiB: Number(memory) }),
    ...(values.isConfirmed ? { confirmWarnings: true } : {}),
  }
}
