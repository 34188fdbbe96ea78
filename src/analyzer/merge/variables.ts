import type { AnalysedVariable, AnalysisWarning, Evidence } from '../../domain/index.ts'
import type { DemandFact, StartFact, VariableFact, VariableRole } from '../facts.ts'
import {
  CAPITALS,
  formatOf,
  GENERIC,
  isInfrastructureVariable,
  isNamedAfter,
  isPlaceholder,
  isPlatformVariable,
  looksHttpOnly,
  looksPublic,
  looksSecret,
  TURNS_ON,
  VARIABLE_NAME,
} from '../names.ts'
import type { ProgramReading } from '../reading.ts'
import { servingStarts } from './launch.ts'
import { signals } from './verdict.ts'

export interface MergedVariables {
  readonly env: readonly AnalysedVariable[]
  readonly requiredOneOf: readonly (readonly (readonly string[])[])[]
  readonly warnings: readonly AnalysisWarning[]
}

const RANK: readonly VariableRole[] = [
  'declared',
  'read',
  'documented',
  'snippet',
  'sample',
  'read_by_library',
  'mentioned',
]
const CONFIDENCE: Readonly<Record<VariableRole, number>> = {
  declared: 0.95,
  read: 0.85,
  documented: 0.8,
  snippet: 0.7,
  sample: 0.6,
  read_by_library: 0.5,
  mentioned: 0.4,
}
/** By these nobody was told to give one. */
const UNASKED = new Set<VariableRole>(['read', 'read_by_library', 'mentioned'])
const MOST = 150
const MOST_GROUPS = 8

/** All that is known of one name. */
interface Gathered {
  readonly name: string
  readonly facts: readonly VariableFact[]
  /** Start lines that set it, with the value. */
  readonly shown: readonly (readonly [StartFact, string])[]
}

export function mergeVariables(program: ProgramReading): MergedVariables {
  const lines = servingStarts(program)
  const gathered = gather(program, lines)
  const warnings: AnalysisWarning[] = []
  const prefixes = gathered.filter(({ name }) => name.endsWith('*')).map(({ name }) => name.slice(0, -1))
  const wanted = gathered.filter(
    (one) =>
      isWanted(one, program) &&
      // An example of a name that a wildcard stands for.
      !(
        prefixes.some((prefix) => one.name.startsWith(prefix) && one.name !== `${prefix}*`) &&
        !one.facts.some((fact) => fact.role === 'read')
      ),
  )
  const names = new Set(wanted.map((one) => one.name))
  const groups = [
    ...new Map(
      [...groupsOf(program, names), ...groupsOfSnippets(lines, names)].map((group) => [keyOf(group), group]),
    ).values(),
  ].slice(0, MOST_GROUPS)
  for (const pair of pairsOf(wanted, names)) {
    if (!pair.flat().some((name) => groups.some((group) => group.flat().includes(name)))) groups.push(pair)
  }
  const inGroup = new Set(groups.flat(2))
  const env = wanted.slice(0, MOST).map((one) => {
    const { variable, conflict } = mergeOne(one, lines, inGroup.has(one.name), program)
    if (conflict !== null) warnings.push({ code: 'conflict', message: conflict })
    return variable
  })
  env.sort(
    (a, b) =>
      Number(b.required) - Number(a.required) ||
      Number(inGroup.has(b.name)) - Number(inGroup.has(a.name)) ||
      b.confidence - a.confidence,
  )
  return { env, requiredOneOf: groups, warnings }
}

function gather(program: ProgramReading, lines: readonly StartFact[]): readonly Gathered[] {
  const all = new Map<string, { facts: VariableFact[]; shown: [StartFact, string][] }>()
  const at = (name: string) => {
    const known = all.get(name) ?? { facts: [], shown: [] }
    all.set(name, known)
    return known
  }
  for (const fact of program.facts)
    if (fact.kind === 'variable' && VARIABLE_NAME.test(fact.name)) at(fact.name).facts.push(fact)
  for (const start of lines) {
    for (const [name, value] of start.variables)
      if (VARIABLE_NAME.test(name)) at(name).shown.push([start, value])
  }
  return [...all].map(([name, { facts, shown }]) => ({ name, facts, shown }))
}

/** Whether a name belongs on a form. */
function isWanted({ name, facts, shown }: Gathered, program: ProgramReading): boolean {
  const has = (role: VariableRole): boolean => facts.some((fact) => fact.role === role)
  if (isPlatformVariable(name)) return false
  if (has('declared')) return true
  const documented = facts.some((fact) => fact.role === 'documented' && fact.forDevelopers !== true)
  const isShown = shown.length > 0 || has('snippet')
  const sampled = facts.some((fact) => fact.role === 'sample')
  const isDocumented = documented || isShown || sampled || has('mentioned')
  if (has('read'))
    return (
      isDocumented ||
      ((!isInfrastructureVariable(name) || isNamedAfter(name, program.project.name)) &&
        /[A-Z]/.test(name) &&
        (CAPITALS.test(name) || name.includes('_')) &&
        name.length > 2)
    )
  if (has('read_by_library') || program.words.has(name)) return documented || isShown || sampled
  if (!CAPITALS.test(name)) return false
  // No code that was read names it: it may be made of parts, or read by a dependency.
  const seen = new Set(signals(program).map((signal) => signal.signal))
  const isOpaque =
    seen.has('reads_environment_by_computed_name') ||
    seen.has('hands_environment_on') ||
    !seen.has('reads_environment')
  if (documented) return true
  if (!isShown) return false
  return (
    !(
      seen.has('reads_arguments') ||
      program.facts.some((fact) => fact.kind === 'argument' && fact.role === 'read')
    ) || isOpaque
  )
}

function mergeOne(
  { name, facts, shown }: Gathered,
  lines: readonly StartFact[],
  inGroup: boolean,
  program: ProgramReading,
): { variable: AnalysedVariable; conflict: string | null } {
  const sorted = facts.toSorted((a, b) => RANK.indexOf(a.role) - RANK.indexOf(b.role))
  const first = <K extends 'default' | 'helpUrl' | 'format'>(key: K): NonNullable<VariableFact[K]> | null =>
    sorted.find((fact) => fact[key] !== undefined)?.[key] ?? null
  const { required, conflict } = requiredOf(name, sorted, shown, lines, inGroup, program)
  const evidence: Evidence[] = [
    ...sorted.map((fact) => fact.evidence),
    ...shown.map(([start]) => start.evidence),
  ]
  const best = sorted[0]?.role ?? 'snippet'
  const readers = new Set(evidence.map((one) => one.reader))
  const documentedFirst = sorted.toSorted(
    (a, b) => Number(b.role === 'documented') - Number(a.role === 'documented'),
  )
  return {
    variable: {
      name,
      required,
      secret: looksSecret(name) || (sorted.some((fact) => fact.secret === true) && !looksPublic(name)),
      default: required ? null : first('default'),
      description: documentedFirst.find((fact) => fact.description !== undefined)?.description ?? null,
      format: first('format') ?? formatOf(name),
      choices: sorted.find((fact) => (fact.choices?.length ?? 0) > 0)?.choices ?? [],
      helpUrl: first('helpUrl'),
      confidence: Math.min(0.99, CONFIDENCE[best] + (readers.size > 1 ? 0.08 : 0)),
      evidence: evidence.slice(0, 8),
    },
    conflict,
  }
}

function requiredOf(
  name: string,
  facts: readonly VariableFact[],
  shown: Gathered['shown'],
  lines: readonly StartFact[],
  inGroup: boolean,
  program: ProgramReading,
): { required: boolean; conflict: string | null } {
  if (inGroup || name.endsWith('*')) return { required: false, conflict: null }
  const said = (role: VariableRole): boolean | null => {
    const answers = facts
      .filter((fact) => fact.role === role && fact.required !== null)
      .map((fact) => fact.required)
    return answers.length === 0 ? null : answers.includes(true)
  }
  const declared = said('declared')
  const read = said('read')
  const documented = said('documented')
  const conflictOf = (one: string, other: string): string =>
    `${name} is ${one} according to its declaration or code, but ${other} according to the documentation.`
  if (declared !== null)
    return {
      required: declared,
      conflict:
        documented !== null && documented !== declared
          ? conflictOf(declared ? 'required' : 'optional', documented ? 'required' : 'optional')
          : null,
    }
  if (facts.every((fact) => fact.httpOnly === true) && facts.length > 0 && shown.length === 0)
    return { required: false, conflict: null }
  if (looksHttpOnly(name)) return { required: false, conflict: null }
  // Without a value a switch is off.
  if (isSwitch(name, facts)) return { required: false, conflict: null }
  const readFacts = facts.filter((fact) => fact.role === 'read')
  if (
    readFacts.length > 0 &&
    readFacts.every((fact) => fact.httpOnly === true) &&
    documented !== true &&
    shown.length === 0
  ) {
    return { required: false, conflict: null }
  }
  const samples = facts.filter((fact) => fact.role === 'sample')
  const isSampledForHttp = samples.length > 0 && samples.every((fact) => fact.httpOnly === true)
  if (isSampledForHttp && read !== true && documented !== true && shown.length === 0)
    return { required: false, conflict: null }
  const hasDefault = facts.some(
    (fact) =>
      (fact.default !== undefined || fact.fallsBack === true) &&
      (fact.role === 'read' || fact.role === 'documented'),
  )
  if (read === true) {
    // Code that fails in one tool is no proof against a document that says in words that it can be left out.
    const isOptional = documented === false || isSampledAsOptional(facts)
    const isConfiguredWithout =
      shown.length === 0 &&
      lines.some((start) => start.role === 'snippet') &&
      facts.every((fact) => UNASKED.has(fact.role)) &&
      !isTheCredential(name, program)
    return {
      required: !isOptional && !isConfiguredWithout,
      conflict: isOptional ? conflictOf('required', 'optional') : null,
    }
  }
  if (documented !== null) return { required: documented && !(hasDefault && read === false), conflict: null }
  if (hasDefault || read === false) return { required: false, conflict: null }
  if (shown.some(([, value]) => /\boptional\b/i.test(value)) || isSampledAsOptional(facts))
    return { required: false, conflict: null }
  if (said('sample') === true && readFacts.length > 0) return { required: true, conflict: null }
  const secret = looksSecret(name)
  const snippets = lines.filter((start) => start.variables.length > 0 || start.role === 'snippet')
  // A configuration that lists what many services need is for picking from.
  const isCatalogue = snippets.some(
    (start) =>
      new Set(start.variables.map(([one]) => one.split('_')[0])).size > 4 && start.variables.length > 8,
  )
  if (snippets.length > 0 && shown.length >= snippets.length * 0.6 && !isCatalogue) {
    const placeholders = shown.filter(([, value]) => isPlaceholder(value) || secret).length
    return { required: placeholders > 0, conflict: null }
  }
  return { required: shown.length === 0 && isTheCredential(name, program), conflict: null }
}

function isSwitch(name: string, facts: readonly VariableFact[]): boolean {
  return (
    formatOf(name) === 'boolean' ||
    facts.some((fact) => fact.format === 'boolean' || TURNS_ON.test(fact.description ?? '')) ||
    /_(?:ALLOW|ENABLE|DISABLE|SKIP)_/.test(name)
  )
}

/** Every sample that has it says in words that it is optional, or has it commented out. */
function isSampledAsOptional(facts: readonly VariableFact[]): boolean {
  const samples = facts.filter((fact) => fact.role === 'sample')
  return samples.length > 0 && samples.every((fact) => fact.required === false)
}

/** The one secret that the code reads and that is named after the package. */
function isTheCredential(name: string, program: ProgramReading): boolean {
  // `X_AUTH_TOKEN` is as often what callers of its own HTTP mode must send, `X_CLIENT_SECRET` one half of a sign-in.
  if (!looksSecret(name) || /_(?:AUTH_TOKEN|CLIENT_SECRET)$/.test(name)) return false
  const secrets = new Set(
    program.facts
      .filter(
        (fact) =>
          fact.kind === 'variable' &&
          fact.role === 'read' &&
          looksSecret(fact.name) &&
          !looksHttpOnly(fact.name),
      )
      .map((fact) => ('name' in fact ? fact.name : '')),
  )
  const [owner = ''] = name.toLowerCase().split('_')
  const words = program.project.name.toLowerCase().split(/[^a-z0-9]+/)
  if (GENERIC.test(owner)) return false
  if (!words.some((word) => word === owner || (owner.length > 3 && word.includes(owner)))) return false
  return [...secrets].filter((secret) => secret.toLowerCase().startsWith(`${owner}_`)).length === 1
}

function isOfDocument({ evidence }: DemandFact): boolean {
  return evidence.reader.startsWith('readme')
}

/** Groups of which one alternative must be given, as far as their names are shown. */
function groupsOf(program: ProgramReading, names: ReadonlySet<string>): (readonly (readonly string[])[])[] {
  const groups: (readonly (readonly string[])[])[] = []
  const demands = program.facts
    .filter((fact): fact is DemandFact => fact.kind === 'demand')
    .toSorted((a, b) => Number(isOfDocument(a)) - Number(isOfDocument(b)))
  for (const demand of demands) {
    const shown = demand.alternatives.filter((one) =>
      one.every((name) => names.has(name) && !looksHttpOnly(name)),
    )
    // The code knows better which of them go together.
    if (
      isOfDocument(demand) &&
      groups.some((group) => group.flat().some((name) => shown.flat().includes(name)))
    )
      continue
    if (shown.length > 1) groups.push(shown)
  }
  return groups
}

/** The same for the same alternatives, in whatever order. */
function keyOf(group: readonly (readonly string[])[]): string {
  return group
    .map((names) => names.toSorted().join(' '))
    .toSorted()
    .join('\n')
}

/**
 * Alternatives that configurations show: sets of variables with a secret in each, none of which shares a name with
 * another, or one configuration that lists the secrets of many services.
 */
function groupsOfSnippets(
  lines: readonly StartFact[],
  names: ReadonlySet<string>,
): (readonly (readonly string[])[])[] {
  const sets = new Map<string, readonly (readonly [string, string])[]>()
  for (const start of lines) {
    const shown = start.variables.filter(([name]) => names.has(name) && !looksHttpOnly(name))
    const key = shown.map(([name]) => name).toSorted()
    if (key.some((name) => looksSecret(name))) sets.set(key.join(' '), shown)
  }
  const all = [...sets.values()].map((shown) =>
    shown.map(([name]) => name).filter((name) => looksSecret(name) || shown.length < 4),
  )
  const areDisjoint = all.every((one, i) =>
    all.every((other, j) => i === j || one.every((name) => !other.includes(name))),
  )
  if (all.length > 1 && all.length < 6 && areDisjoint) return [all]
  const largest = [...sets.values()].toSorted((a, b) => b.length - a.length)[0] ?? []
  const owners = [...Map.groupBy(largest, ([name]) => name.split('_')[0] ?? name).values()].filter((some) =>
    some.some(([name]) => looksSecret(name)),
  )
  return owners.length > 3 ? [owners.map((some) => neededOf(some))] : []
}

/** What one of many services needs: its secret, and what else is left for the reader to fill in. */
function neededOf(shown: readonly (readonly [string, string])[]): readonly string[] {
  const secrets = shown.filter(([name]) => looksSecret(name)).map(([name]) => name)
  const others = shown
    .filter(([name, value]) => !looksSecret(name) && isPlaceholder(value))
    .map(([name]) => name)
    // With several secrets there are several ways to sign in, which have the address in common.
    .filter((name) => secrets.length === 1 || /_(?:URL|HOST)$/.test(name))
  return [...others, ...secrets.slice(0, 1)]
}

/** Variables whose description says that they stand for another: `alternative to OTHER`. */
function pairsOf(
  wanted: readonly Gathered[],
  names: ReadonlySet<string>,
): (readonly (readonly string[])[])[] {
  return wanted.flatMap(({ name, facts }) => {
    const [other] = facts
      .filter((fact) => fact.role === 'declared' || fact.role === 'documented')
      .flatMap(
        (fact) =>
          /\b(?:alternative to|instead of) `?([A-Z][A-Z0-9_]+)\b/.exec(fact.description ?? '')?.[1] ?? [],
      )
    return other !== undefined && other !== name && names.has(other) ? [[[other], [name]]] : []
  })
}
