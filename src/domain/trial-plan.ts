import type { LaunchSpec } from './launch-spec.ts'
import { missingVariables } from './missing-variables.ts'
import {
  formHint,
  placeholderFor,
  wantedArgument,
  wantedVariable,
  type FormHint,
  type Wanted,
} from './placeholders.ts'
import { Secret } from './secret.ts'
import type { TrialInput } from './trial.ts'

/** One boot: which of the declared values get placeholders. */
export interface Boot {
  /** Variables by their names, arguments by `arg:` and theirs, in the order in which they were declared. */
  readonly placeholders: ReadonlyMap<string, string>
}

/** A boot that was made, and what came of it. */
export interface BootResult extends Boot {
  /** Number of tools, or null when it did not answer. */
  readonly tools: number | null
  /** Its last output, when it did not answer. */
  readonly lines: readonly string[]
}

type Declared = Pick<TrialInput, 'variables' | 'requiredOneOf' | 'arguments'>

const ARGUMENT = 'arg:'

/**
 * Which boot to make next, from those that were made; null when there is nothing more to learn. First bare; then with
 * what the server itself asked for, with what is declared as required, with everything; in the end with less and less,
 * to know what it cannot do without.
 */
export function nextBoot(declared: Declared, made: readonly BootResult[], home: string): Boot | null {
  const all = wantedOf(declared)
  const hints = hintsOf(made, all)
  const boot = (keys: Iterable<string>): Boot => {
    const chosen = new Set(keys)
    const known = [...all].filter(([key]) => chosen.has(key))
    // A variable that nobody declared, but that the server has named.
    const named = [...chosen].filter((key) => !all.has(key)).map((key) => [key, undeclared(key)] as const)
    return {
      placeholders: new Map(
        [...known, ...named].map(([key, wanted]) => [
          key,
          placeholderFor(wanted, hints.get(key) ?? {}, home),
        ]),
      ),
    }
  }
  const fresh = (candidate: Boot): boolean => !made.some((earlier) => same(earlier, candidate))
  const last = made.at(-1)
  if (last === undefined) return boot([])
  const required = requiredKeys(declared)
  const answered = made.filter(({ tools }) => tools !== null)
  if (answered.length === 0) {
    const before = last.placeholders.keys()
    const candidates = [
      [...before, ...demandedKeys(all, last)],
      [...before, ...required],
      [...all.keys()].filter((key) => !key.startsWith(ARGUMENT) || required.includes(key)),
    ].map(boot)
    return candidates.find(fresh) ?? null
  }
  const fewest = answered.toSorted((a, b) => a.placeholders.size - b.placeholders.size)[0]
  if (fewest === undefined || fewest.placeholders.size === 0) {
    // It starts bare. With what it requires it may offer more.
    return [boot(required)].find(fresh) ?? null
  }
  return (
    smaller([...fewest.placeholders.keys()])
      .map(boot)
      .find(fresh) ?? null
  )
}

/** What the boots have shown that the server cannot start without, by its names. */
export function neededPlaceholders(made: readonly BootResult[]): readonly string[] {
  const answered = made.filter(({ tools }) => tools !== null)
  const [fewest] = answered.toSorted((a, b) => a.placeholders.size - b.placeholders.size)
  return fewest === undefined ? [] : placeholderNames(fewest)
}

/** The names, as a person knows them, of what a boot gives placeholders to. */
export function placeholderNames({ placeholders }: Boot): readonly string[] {
  return [...placeholders.keys()].map((key) => (key.startsWith(ARGUMENT) ? key.slice(ARGUMENT.length) : key))
}

/** A launch spec, with the values for it, that starts what a boot describes. */
export function trialSpec(
  input: TrialInput,
  { placeholders }: Boot,
): { readonly spec: LaunchSpec; readonly credentials: ReadonlyMap<string, Secret> } {
  const given = input.arguments.flatMap((argument) => {
    const value = placeholders.get(ARGUMENT + argument.name)
    return value === undefined ? [] : [{ ...argument, value }]
  })
  const positional = given.filter(({ position }) => position !== null)
  const flags = given.filter(({ position }) => position === null)
  const variables = [...placeholders].filter(([key]) => !key.startsWith(ARGUMENT))
  const isFile = (name: string): boolean =>
    input.variables.some((variable) => variable.name === name && variable.format === 'file')
  return {
    spec: {
      package: input.package,
      args: input.args,
      userArgs: [
        ...positional.toSorted((a, b) => (a.position ?? 0) - (b.position ?? 0)).map(({ value }) => value),
        ...flags.flatMap(({ name, value }) => [name, value]),
      ],
      variables: variables.map(([name]) => ({
        name,
        description: null,
        required: false,
        secret: false,
        default: null,
        ...(isFile(name) ? { file: `${name.toLowerCase()}.json` } : {}),
      })),
      transport: input.port === undefined ? { kind: 'stdio' } : { kind: 'port', ...input.port },
    },
    credentials: new Map(variables.map(([name, value]) => [name, new Secret(value)])),
  }
}

function wantedOf(declared: Declared): ReadonlyMap<string, Wanted> {
  return new Map([
    ...declared.variables.map((variable) => [variable.name, wantedVariable(variable)] as const),
    ...declared.arguments.map((argument) => [ARGUMENT + argument.name, wantedArgument(argument)] as const),
  ])
}

function undeclared(name: string): Wanted {
  return { name, format: 'text', secret: true, example: null, choices: [] }
}

function requiredKeys({ variables, requiredOneOf, arguments: args }: Declared): readonly string[] {
  const names = new Set([
    ...variables.filter(({ required }) => required).map(({ name }) => name),
    // Of each group the first alternative that asks for something.
    ...requiredOneOf.flatMap((group) => group.find((alternative) => alternative.length > 0) ?? []),
  ])
  return [
    ...variables.filter(({ name }) => names.has(name)).map(({ name }) => name),
    ...args.filter(({ name, required }) => required || names.has(name)).map(({ name }) => ARGUMENT + name),
  ]
}

/** What the last output names, of what is declared and of what looks like a variable. */
function demandedKeys(
  all: ReadonlyMap<string, Wanted>,
  { lines, placeholders }: BootResult,
): readonly string[] {
  const given = new Set(placeholders.keys())
  const named = [...all]
    .filter(([key, { name }]) => !given.has(key) && mentions(lines, name))
    .map(([key]) => key)
  return [...named, ...missingVariables(lines, given)]
}

function mentions(lines: readonly string[], name: string): boolean {
  const pattern = new RegExp(`(?<![\\w-])${RegExp.escape(name)}(?![\\w-])`)
  return lines.some((line) => pattern.test(line))
}

/** Forms that failed boots asked for: of the values that the output names, or of all that were given. */
function hintsOf(
  made: readonly BootResult[],
  all: ReadonlyMap<string, Wanted>,
): ReadonlyMap<string, FormHint> {
  const hints = new Map<string, FormHint>()
  for (const { placeholders, lines, tools } of made) {
    const hint = tools === null && placeholders.size > 0 ? formHint(lines) : null
    if (hint === null) continue
    const given = [...placeholders.keys()]
    const named = given.filter((key) => mentions(lines, all.get(key)?.name ?? key))
    for (const key of named.length > 0 ? named : given) hints.set(key, hint)
  }
  return hints
}

/**
 * The same without a half, without a quarter, …, without one; from the end, where those stand that are wanted least, so
 * that of a variable and a flag that do the same the variable stays.
 */
function smaller(keys: readonly string[]): readonly (readonly string[])[] {
  const sets: (readonly string[])[] = []
  for (let size = Math.ceil(keys.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let end = keys.length; end > 0; end -= size) {
      sets.push([...keys.slice(0, Math.max(0, end - size)), ...keys.slice(end)])
    }
  }
  return sets
}

function same(a: Boot, b: Boot): boolean {
  return (
    a.placeholders.size === b.placeholders.size &&
    [...a.placeholders].every(([key, value]) => b.placeholders.get(key) === value)
  )
}
