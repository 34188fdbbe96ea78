import type { AnalysedArgument, Evidence } from '../../domain/index.ts'
import type { ArgumentFact, StartFact } from '../facts.ts'
import { isPlaceholder, looksHttpOnly, looksSecret } from '../names.ts'
import type { ProgramReading } from '../reading.ts'
import { servingStarts, takeApart, type StartArguments } from './launch.ts'
import { signals } from './verdict.ts'

interface Draft {
  name: string
  position: number | null
  /** The start lines in which it stands with something to fill in. */
  lines: Set<StartFact>
  placeholder: boolean
  example: string | null
  facts: ArgumentFact[]
  evidence: Evidence[]
}

const STEERING =
  /^--?(?:help|version|h|v|V|stdio|transport|http|sse|port|host|listen|endpoint|mode|init|setup|install|uninstall|login|logout|auth-only|print-config)$/i

/**
 * What a person fills in on the command line besides the words it is always started with. Positions count from the
 * first word after those.
 * @param args the words of the launch
 * @param covers whether a documented or demanded variable does what a flag does, so that the flag is not needed
 */
export function mergeArguments(
  program: ProgramReading,
  args: readonly string[],
  covers: (flag: string, values: ReadonlySet<string>) => boolean,
): readonly AnalysedArgument[] {
  const drafts = new Map<string, Draft>()
  const all = servingStarts(program).filter((start) => start.role !== 'declared')
  const configured = all.filter((start) => start.role === 'snippet')
  // What stands beside configurations for a terminal may start something else of the same program.
  const lines = configured.length > 0 ? configured : all
  const filled = all.flatMap((start) => takeApart(start, program).filled)
  const draftOf = (name: string, position: number | null): Draft => {
    const key = position === null ? name : `#${String(position)}`
    const known = drafts.get(key)
    if (known !== undefined) return known
    const made: Draft = {
      name,
      position,
      lines: new Set(),
      placeholder: false,
      example: null,
      facts: [],
      evidence: [],
    }
    drafts.set(key, made)
    return made
  }
  for (const { flag, position, value, line } of filled) {
    if (!lines.includes(line) || (flag !== null && STEERING.test(flag))) continue
    const draft = draftOf(flag ?? wordFor(value, position ?? 0), position)
    draft.lines.add(line)
    if (value !== null && (isPlaceholder(value) || /[/:\\]/.test(value) || flag === null))
      draft.placeholder = true
    draft.example ??= value
    if (draft.evidence.length < 6) draft.evidence.push(line.evidence)
  }
  // Sub-commands take the first places of the command line.
  const skipped = args.filter((word) => !word.startsWith('-')).length
  for (const fact of program.facts) {
    if (fact.kind !== 'argument' || (fact.command !== undefined && !args.includes(fact.command))) continue
    const position =
      fact.position === null ? null : fact.role === 'declared' ? fact.position : fact.position - skipped
    // Which transport it speaks, or what else a word that stands for `stdio` may choose, is none of the user's business.
    if (position !== null && (position < 0 || fact.default === 'stdio')) continue
    if (position === null && STEERING.test(fact.name)) continue
    const draft = draftOf(fact.name, position)
    draft.facts.push(fact)
    if (
      position !== null &&
      (/^argument-\d|^[a-z]$/.test(draft.name) || draft.facts.length === 1) &&
      !/^argument-\d/.test(fact.name)
    )
      draft.name = fact.name
    if (draft.evidence.length < 6) draft.evidence.push(fact.evidence)
  }
  return [...drafts.values()]
    .filter((draft) => isWanted(draft) && !isOfSomethingElse(draft, program))
    .map((draft) => {
      const said = draft.facts.filter((fact) => fact.required !== null).map((fact) => fact.required)
      const declared = draft.facts.find((fact) => fact.role === 'declared')?.required
      const everywhere =
        lines.length > 0 &&
        draft.lines.size >= lines.length * 0.6 &&
        draft.placeholder &&
        !hasAlternative(draft, [...drafts.values()], lines)
      const isDemanded = said.includes(true)
      const isLoose = said.includes(false) || draft.facts.some((fact) => fact.default !== undefined)
      const required =
        declared ??
        (draft.position === null
          ? (isDemanded || (everywhere && !isLoose)) && !covers(draft.name, valuesOf(draft.name, filled))
          : // What code falls back on when a word is left out helps nobody who is told everywhere to give one.
            isDemanded || everywhere)
      const first = (key: 'description' | 'default' | 'example'): string | null =>
        draft.facts.find((fact) => fact[key] !== undefined)?.[key] ?? null
      return {
        name: draft.name,
        position: draft.position,
        required,
        secret:
          draft.facts.some((fact) => fact.secret === true) ||
          looksSecret(draft.name) ||
          /:\/\/[^/\s]*:[^/\s]*@/.test(draft.example ?? '') ||
          (draft.position !== null && looksSecret(draft.example ?? '')),
        example: draft.example ?? first('example') ?? first('default'),
        description: first('description'),
        evidence: draft.evidence,
      }
    })
}

/** A flag of a table or list that the code does not read: an option of a client, or no flag at all. */
function isOfSomethingElse({ facts, lines }: Draft, program: ProgramReading): boolean {
  if (program.project.ecosystem !== 'npm' || lines.size > 0) return false
  if (facts.some(({ role }) => role !== 'documented')) return false
  const readsArguments = signals(program).some(({ signal }) => signal === 'reads_arguments')
  return !readsArguments || program.facts.some((fact) => fact.kind === 'argument' && fact.role === 'read')
}

/** What stands behind a flag wherever the program is started. */
function valuesOf(name: string, filled: StartArguments['filled']): ReadonlySet<string> {
  return new Set(filled.flatMap(({ flag, value }) => (flag === name && value !== null ? [value] : [])))
}

/** Every line that leaves it out has something in its place that no line with it has. */
function hasAlternative(draft: Draft, drafts: readonly Draft[], lines: readonly StartFact[]): boolean {
  const without = lines.filter((line) => !draft.lines.has(line))
  const others = drafts.filter((other) => other.lines.size > 0 && other.lines.isDisjointFrom(draft.lines))
  return without.length > 0 && without.every((line) => others.some((other) => other.lines.has(line)))
}

function isWanted(draft: Draft): boolean {
  if (draft.facts.some((fact) => fact.httpOnly === true) && draft.lines.size === 0) return false
  if (draft.position === null && looksHttpOnly(draft.name) && draft.lines.size === 0) return false
  return true
}

function wordFor(value: string | null, position: number): string {
  const word = (value ?? '').replaceAll(/[<>[\]{}$"']/g, '').replace(/^(?:your|my|the)[-_ ]/i, '')
  return /^[A-Za-z][\w -]{1,40}$/.test(word) ? word.replaceAll(' ', '-') : `argument-${String(position + 1)}`
}
