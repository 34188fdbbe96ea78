import { executablesOf, type Analysis } from '../../src/domain/index.ts'
import type { CorpusEntry } from './corpus.ts'

export interface Miss {
  readonly server: string
  readonly figure: string
  readonly what: string
}

interface Count {
  hit: number
  of: number
}

export interface Score {
  readonly figures: Readonly<
    Record<
      string,
      {
        readonly value: number | null
        readonly target: number | null
        readonly hit: number
        readonly of: number
      }
    >
  >
  readonly misses: readonly Miss[]
}

const TARGETS: Readonly<Record<string, number | null>> = {
  'package and command': 0.98,
  'variables recall': 0.95,
  'variables precision': 0.9,
  required: 0.9,
  secret: 0.95,
  arguments: null,
  'non-servers': 1,
}

/** Scores analyses against what is known, by the method of the corpus. */
export function score(
  results: readonly {
    readonly entry: CorpusEntry
    readonly analysis: Analysis | null
    readonly words: (name: string) => boolean
  }[],
): Score {
  const counts = new Map<string, Count>()
  const misses: Miss[] = []
  const count = (figure: string, hit: boolean, server: string, what: string): void => {
    const one = counts.get(figure) ?? { hit: 0, of: 0 }
    counts.set(figure, one)
    one.of++
    if (hit) one.hit++
    else misses.push({ server, figure, what })
  }
  const required = { hit: 0, shown: 0, wanted: 0 }
  for (const { entry, analysis, words } of results) {
    const { name } = entry
    if (!entry.isMcpServer) {
      count(
        'non-servers',
        analysis?.verdict === 'not_a_server',
        name,
        `verdict ${analysis?.verdict ?? 'none'}`,
      )
      continue
    }
    const launch = analysis?.launch ?? null
    const problem = launchProblem(entry, analysis)
    count('package and command', problem === null, name, problem ?? '')
    const given = new Set(analysis?.arguments.map((argument) => argument.name))
    let position = 0
    const fixed = launch?.args ?? []
    for (const argument of entry.args) {
      const place = argument.positional === true ? position++ : null
      if (!argument.required) continue
      const isFixed = fixed.includes(argument.name)
      const skipped = fixed.filter((word) => !word.startsWith('-')).length
      const found =
        isFixed ||
        (place === null
          ? given.has(argument.name)
          : analysis?.arguments.some((one) => one.position === place - skipped) === true)
      const shown = analysis?.arguments.find((one) =>
        place === null ? one.name === argument.name : one.position === place - skipped,
      )
      count(
        'arguments',
        found && (isFixed || shown?.required === true),
        name,
        `${argument.name}${found ? ' is not marked as required' : ' was not found'}`,
      )
    }
    if (entry.groundTruth !== 'careful') continue
    const env = analysis?.env ?? []
    const byName = new Map(env.map((variable) => [variable.name, variable]))
    const known = new Set([...entry.env.map((variable) => variable.name), ...entry.envIgnorable])
    for (const variable of entry.env) {
      if (variable.httpOnly === true || entry.documentedButUnread.includes(variable.name)) continue
      count('variables recall', byName.has(variable.name), name, variable.name)
    }
    for (const variable of env) {
      if (entry.envIgnorable.includes(variable.name)) continue
      const isKnown = known.has(variable.name) || ((entry.envMoreNotListed ?? 0) > 0 && words(variable.name))
      count(
        'variables precision',
        isKnown,
        name,
        `${variable.name} (${variable.evidence.map((one) => one.reader).join(', ')})`,
      )
    }
    const grouped = new Set(analysis?.requiredOneOf.flat(2))
    const alternatives = new Set(entry.requiredOneOf.flat(2))
    for (const variable of entry.env) {
      const found = byName.get(variable.name)
      if (found === undefined) continue
      count(
        'secret',
        found.secret === variable.secret,
        name,
        `${variable.name} is ${variable.secret ? '' : 'not '}secret`,
      )
      const isAlternative = variable.oneOf !== undefined || alternatives.has(variable.name)
      const isWanted = variable.required || isAlternative
      const isShown = isAlternative ? grouped.has(variable.name) || found.required : found.required
      if (isWanted) required.wanted++
      if (isShown) required.shown++
      if (isWanted && isShown) required.hit++
      if (isWanted !== isShown) {
        misses.push({
          server: name,
          figure: 'required',
          what: `${variable.name} is ${variable.required ? 'required' : variable.oneOf === undefined ? 'optional' : 'one of several'}`,
        })
      }
    }
  }
  const figures = Object.fromEntries(
    Object.entries(TARGETS).map(([figure, target]) => {
      if (figure === 'required') {
        const f1 =
          required.shown + required.wanted === 0
            ? null
            : (2 * required.hit) / (required.shown + required.wanted)
        return [figure, { value: f1, target, hit: required.hit, of: (required.shown + required.wanted) / 2 }]
      }
      const one = counts.get(figure) ?? { hit: 0, of: 0 }
      return [figure, { value: one.of === 0 ? null : one.hit / one.of, target, ...one }]
    }),
  )
  return { figures, misses }
}

/** Why a launch would not start the server; null when it would. */
function launchProblem(entry: CorpusEntry, analysis: Analysis | null): string | null {
  const launch = analysis?.launch ?? null
  if (analysis === null || launch === null) return `no launch (${analysis?.verdict ?? 'no analysis'})`
  if (launch.package.registry !== 'npm' || launch.package.name !== entry.name)
    return `package ${launch.package.registry}:${launch.package.name}`
  if (launch.package.version !== entry.version) return `version ${String(launch.package.version)}`
  const executables = executablesOf(entry.name, { bin: entry.bin })
  const wanted = entry.npxBin?.split('/').at(-1) ?? [...executables.keys()][0] ?? null
  const path = executables.get(launch.command)
  if (path === undefined) return `executable ${launch.command}`
  if (wanted !== null && path !== executables.get(wanted))
    return `executable ${launch.command}, not ${wanted}`
  // Words that select stdio or a sub-command are part of the start: required ones that take no value from the user.
  const words = entry.args.filter(
    (argument) =>
      argument.required &&
      (/^--stdio$/.test(argument.name) || (argument.positional === true && isWord(argument.name, entry))),
  )
  for (const { name } of words) if (!launch.args.includes(name)) return `${name} is missing`
  for (const word of launch.args) {
    const isKnown =
      entry.args.some((argument) => argument.name === word) ||
      entry.dummy?.args?.includes(word) === true ||
      /^(?:--transport|stdio|--transport=stdio)$/.test(word)
    if (!isKnown) return `${word} is not part of the start`
  }
  return null
}

function isWord(name: string, entry: CorpusEntry): boolean {
  return entry.dummy?.args?.includes(name) === true
}
