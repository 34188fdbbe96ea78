import type { AnalysedArgument, AnalysedVariable, Analysis } from './analysis.ts'

/** What is given to a server: by name, values where there are some. */
export interface Given {
  readonly variables: ReadonlyMap<string, string>
  /** Variables whose value is a file's content. */
  readonly files: ReadonlyMap<string, string>
  /** Values of arguments that the analysis names. */
  readonly arguments: ReadonlyMap<string, string>
  /** Passed verbatim. */
  readonly args: readonly string[]
}

type Wanted = Pick<Analysis, 'env' | 'requiredOneOf' | 'arguments'>

/**
 * What is required and not given, each entry the name of a variable or argument, or in words the ways in which one of
 * several is given: `A, or B and C`. Empty when nothing is missing.
 */
export function missingValues({ env, requiredOneOf, arguments: args }: Wanted, given: Given): string[] {
  const has = (name: string) =>
    given.variables.has(name) || given.files.has(name) || hasArgument(args, name, given)
  const grouped = new Set(requiredOneOf.flat(2))
  const plain = [
    ...env.filter(({ name, required, default: value }) => required && value === null && !grouped.has(name)),
    ...args.filter(({ name, required }) => required && !grouped.has(name)),
  ].map(({ name }) => name)
  const groups = requiredOneOf
    .filter((group) => !group.some((alternative) => alternative.every(has)))
    .map((group) => group.map((alternative) => alternative.join(' and ')).join(', or '))
  return [...new Set([...plain.filter((name) => !has(name)), ...groups])]
}

const NOTHING: Given = { variables: new Map(), files: new Map(), arguments: new Map(), args: [] }

/** The verdict on what can be deployed: whether somebody has to give values first. */
export function deployVerdict(wanted: Wanted): Pick<Analysis, 'verdict' | 'reason'> {
  return missingValues(wanted, NOTHING).length > 0
    ? { verdict: 'needs_input', reason: 'It needs values that only you have.' }
    : { verdict: 'deployable', reason: null }
}

function hasArgument(args: readonly AnalysedArgument[], name: string, given: Given): boolean {
  if (given.arguments.has(name)) return true
  const argument = args.find((candidate) => candidate.name === name)
  if (argument === undefined) return false
  if (argument.position === null)
    return given.args.some((word) => word === name || word.startsWith(`${name}=`))
  return given.args.filter((word) => !word.startsWith('-')).length > argument.position
}

/** Why a value cannot be right, to follow the variable's name; null when it may be. Never shows the value. */
export function valueProblem(
  { format, choices, required }: Pick<AnalysedVariable, 'format' | 'choices' | 'required'>,
  value: string,
): string | null {
  if (value === '') return required ? 'has no value' : null
  if (choices.length > 0 && !choices.includes(value)) return `must be one of ${choices.join(', ')}`
  switch (format) {
    case 'url':
      // Also `file:notes.db` and `sqlite::memory:`, but no `localhost:3000`.
      return /^[a-z][a-z0-9+.-]*:\/\/\S|^[a-z][a-z0-9+-]*:(?!\d)\S/i.test(value)
        ? null
        : 'must be an address such as https://example.com'
    case 'number':
      return /^-?\d+(?:\.\d+)?$/.test(value.trim()) ? null : 'must be a number'
    case 'boolean':
      return /^(?:true|false|1|0|yes|no|on|off)$/i.test(value.trim()) ? null : 'must be true or false'
    case 'json':
      return isJson(value) ? null : 'must be JSON'
    case 'text':
    case 'path':
    case 'file':
      return null
    default:
      return format satisfies never
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** What may mean that this is not the server that one thinks it is, or that its author has given it up. */
const SERIOUS: readonly string[] = [
  'provenance_mismatch',
  'names_another_package',
  'look_alike',
  'deprecated',
  'yanked',
  // Of a file that is imported: what its author chose for whoever imports it.
  'unproven_source',
  'lets_everybody_in',
  'allows_web_pages',
  'runs_install_scripts',
  'describes_tools',
  'accepts_tools',
  'stops_no_tools',
]

/** Whether deploying in spite of a warning needs an explicit yes. */
export function needsConfirmation(code: string): boolean {
  return SERIOUS.includes(code)
}
