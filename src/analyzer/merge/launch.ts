import type { AnalysedLaunch } from '../../domain/index.ts'
import { nameOfProgram } from '../build.ts'
import type { ArgumentFact, CommandFact, StartFact } from '../facts.ts'
import { isPlaceholder } from '../names.ts'
import type { ProgramReading } from '../reading.ts'

/** Words that start a server rather than name a thing, best first. */
const STARTING = [
  'stdio',
  'mcp',
  'start',
  'start:stdio',
  'serve',
  'server',
  'run',
  'run-server',
  'mcp-server',
]
/** Words that do something else than serve. */
const OTHER =
  /^(?:init|setup|install|uninstall|login|logout|auth|authenticate|config|configure|help|version|update|upgrade|doctor|add|remove|list|test|build|dev|--help|-h|--version|-v|http|sse|web)$/

/** What follows the executable, taken apart. */
export interface StartArguments {
  /** Sub-commands and flags that belong to the start. */
  readonly fixed: readonly string[]
  /** What a person fills in, in its order. */
  readonly filled: readonly {
    readonly flag: string | null
    readonly position: number | null
    readonly value: string | null
    readonly line: StartFact
  }[]
}

/** Start lines that serve over stdio: no set-up, no HTTP mode. */
export function servingStarts(program: ProgramReading): readonly StartFact[] {
  return program.starts.filter(
    (start) =>
      !start.args.some((word, i) => (i < 2 && OTHER.test(word)) || isHttpWord(word, start.args[i - 1] ?? '')),
  )
}

function isHttpWord(word: string, before: string): boolean {
  return (
    /^--(?:http|sse|streamable|port|listen|streamable-?http)\b/i.test(word) ||
    (/^--?(?:transport|mode|t)$/.test(before) && /http|sse/i.test(word)) ||
    /^--?(?:transport|mode)=(?!stdio)/.test(word)
  )
}

/** Takes the words of a start line apart, with what the code says of flags and sub-commands. */
export function takeApart(start: StartFact, program: ProgramReading): StartArguments {
  const flags = new Map<string, ArgumentFact>()
  const commands = new Set<string>()
  for (const fact of program.facts) {
    if (fact.kind === 'argument' && fact.name.startsWith('-') && fact.role !== 'snippet') {
      if (!flags.has(fact.name) || fact.role === 'read') flags.set(fact.name, fact)
      for (const alias of fact.aliases ?? []) flags.set(alias, fact)
    }
    if (fact.kind === 'command') commands.add(fact.name)
  }
  const fixed: string[] = []
  const filled: StartArguments['filled'][number][] = []
  let position = 0
  for (let i = 0; i < start.args.length; i++) {
    const word = start.args[i] ?? ''
    if (word === '--' || word === '') continue
    if (word.startsWith('-')) {
      const [flag = word, inline] = word.includes('=')
        ? [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]
        : [word]
      const next = start.args[i + 1]
      const known = flags.get(flag)
      const takesValue =
        inline === undefined && next !== undefined && !next.startsWith('-') && known?.isBoolean !== true
      const value = inline ?? (takesValue ? next : null)
      if (takesValue) i++
      if (isStartingFlag(flag, value))
        fixed.push(...(inline === undefined ? (value === null ? [flag] : [flag, value]) : [word]))
      else filled.push({ flag, position: null, value, line: start })
      continue
    }
    // `server start`
    const isSecond = i > 0 && fixed.at(-1) === start.args[i - 1] && STARTING.includes(fixed.at(-1) ?? '')
    const isCommand =
      position === 0 &&
      filled.every((one) => one.flag !== null) &&
      /^[a-z][a-z:_-]*$/.test(word) &&
      (STARTING.includes(word) || commands.has(word)) &&
      !isPlaceholder(word)
    if (isCommand && (fixed.every((one) => one.startsWith('-')) || (isSecond && STARTING.includes(word))))
      fixed.push(word)
    else filled.push({ flag: null, position: position++, value: word, line: start })
  }
  return { fixed, filled }
}

function isStartingFlag(flag: string, value: string | null): boolean {
  if (/^--?(?:stdio|mcp)$/.test(flag) && value === null) return true
  return /^--?(?:transport|mode|t)$/.test(flag) && value === 'stdio'
}

/** Which words of its own a program is started with. */
function launchArguments(program: ProgramReading): readonly string[] {
  const declared = program.starts.filter((start) => start.role === 'declared')
  const lines = servingStarts(program)
  const counted = new Map<string, number>()
  for (const start of lines) {
    const { fixed } = takeApart(start, program)
    const key = JSON.stringify(fixed)
    // A configuration says more than a line for a terminal, where somebody may start another mode.
    counted.set(key, (counted.get(key) ?? 0) + (start.role === 'snippet' ? 3 : 1))
  }
  const [best] = [...counted].toSorted((a, b) => b[1] - a[1])
  if (best !== undefined) {
    const words: readonly string[] = JSON.parse(best[0]) as string[]
    return words.length > 0 ? words : fromCode(program, true)
  }
  void declared
  return fromCode(program, false)
}

/** Nobody wrote down how it is started: the code knows a `--stdio`, or dispatches on a first word. */
function fromCode(program: ProgramReading, isDocumentedWithout: boolean): readonly string[] {
  const flag = program.facts.find(
    (fact) => fact.kind === 'argument' && fact.name === '--stdio' && fact.role === 'read',
  )
  if (flag !== undefined) return ['--stdio']
  if (isDocumentedWithout) return []
  const commands = program.facts
    .filter((fact): fact is CommandFact => fact.kind === 'command')
    .map((fact) => fact.name)
  const word = STARTING.find((name) => commands.includes(name))
  return word === undefined ? [] : [word]
}

/** How a program of the snapshot itself is started. */
export function launchOf(program: ProgramReading): AnalysedLaunch {
  const { project } = program
  const isPublished =
    !project.isPrivate &&
    (project.executables.size > 0 || project.ecosystem === 'pypi') &&
    project.ecosystem !== 'go'
  return {
    package: {
      registry: isPublished ? (project.ecosystem === 'npm' ? 'npm' : 'pypi') : 'git',
      name: project.name === '' ? project.folder : project.name,
      version: isPublished ? project.version : null,
    },
    command:
      program.executable ??
      (isPublished || program.built === null ? project.name : nameOfProgram(program.built)),
    args: launchArguments(program),
    transport: 'stdio',
    ...(program.built === null ? {} : { build: { path: project.folder, program: program.built } }),
  }
}
