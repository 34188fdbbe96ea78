import type { Snapshot } from '../../domain/index.ts'
import type { Budget } from '../budget.ts'
import type { Fact } from '../facts.ts'
import type { Project } from '../project.ts'
import { readCommandLine } from './command-line.ts'
import { readEnvironment } from './environment.ts'
import { localImports, relativeTo, resolveFile, sourceOfBuilt } from './modules.ts'
import { originsOf, type Origin } from './origins.ts'
import { readSchemas } from './schemas.ts'
import { readServerSignals } from './server-signals.ts'
import { nesting, parse, type Program } from './syntax.ts'

const LARGEST_FILE = 32 * 1024 * 1024
const DEEPEST = 2_000
const MOST_FILES = 1_500
/** Not the server: tests, stories, type declarations, what a browser loads. */
const ASIDE =
  /(?:^|\/)(?:node_modules|__tests__|__mocks__|tests?|e2e|fixtures?|examples?|coverage|public\/assets|static|assets)\/|\.(?:test|spec|stories|bench|config|setup)\.[cm]?[jt]sx?$|\.d\.[cm]?ts$|\.min\.js$/i
const CODE = /\.(?:[cm]?[jt]sx?)$/

/** What reading the code of one executable gave. */
export interface CodeReading {
  readonly facts: readonly Fact[]
  /** The file that was taken as the beginning; null when all files of the folder were read instead. */
  readonly entry: string | null
  /** All capitals-with-underscore words of its own code, whether or not they are known to be variables. */
  readonly words: ReadonlySet<string>
  readonly files: number
}

/** Reads the program behind an entry file of a package and all that it imports from there. */
export function readJavaScript(
  snapshot: Snapshot,
  project: Project,
  entryPath: string | null,
  budget: Budget,
  beforeFile: (path: string) => boolean,
): CodeReading {
  const has = (path: string): boolean => snapshot.files.has(path)
  const entry = entryPath === null ? null : sourceOfBuilt(entryPath, project.folder, has)
  const waiting = entry === null ? sourceFiles(snapshot, project) : [entry]
  const known = new Set(waiting)
  const programs: Program[] = []
  const origins = new Map<Program, (offset: number) => Origin>()
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    if (programs.length >= MOST_FILES) {
      budget.warn({
        code: 'too_much_to_read',
        message: 'The server has more files of code than an analysis reads; the rest was left out.',
      })
      break
    }
    const program = readProgram(snapshot, path, budget, beforeFile)
    if (program === null) continue
    programs.push(program)
    origins.set(program, originsOf(path, program.text))
    if (entry === null) continue
    for (const specifier of localImports(program)) {
      const target = specifier.startsWith('#') ? null : resolveFile(relativeTo(path, specifier), has)
      if (target === null || known.has(target) || !CODE.test(target)) continue
      known.add(target)
      waiting.push(target)
    }
  }
  const originOf = (program: Program, offset: number): Origin => origins.get(program)?.(offset) ?? 'own'
  const words = new Set<string>()
  for (const program of programs) {
    for (const match of program.text.matchAll(/[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+/g)) {
      if (words.size < 20_000) words.add(match[0])
    }
  }
  return {
    facts: [
      ...readEnvironment(programs, originOf),
      ...readSchemas(programs, originOf),
      ...readServerSignals(programs, originOf),
      ...readCommandLine(programs, originOf),
    ],
    entry,
    words,
    files: programs.length,
  }
}

function readProgram(
  snapshot: Snapshot,
  path: string,
  budget: Budget,
  beforeFile: (path: string) => boolean,
): Program | null {
  const file = snapshot.files.get(path)
  if (file === undefined || !budget.take(path, file.bytes, LARGEST_FILE)) return null
  const text = snapshot.text(path, LARGEST_FILE)
  if (text === null) return null
  if (nesting(text) > DEEPEST) {
    budget.warn({ code: 'file_not_read', message: `${path} nests too deeply to be read.` })
    return null
  }
  if (!beforeFile(path)) return null
  try {
    return parse(path, text)
  } catch {
    budget.warn({ code: 'file_not_read', message: `${path} could not be read as code.` })
    return null
  }
}

/** The code of a package whose entry is not known, its own folder only. */
function sourceFiles(snapshot: Snapshot, project: Project): string[] {
  const prefix = project.folder === '' ? '' : `${project.folder}/`
  const below = [...snapshot.files.keys()].filter((path) => path.startsWith(prefix))
  // Folders of other packages, which are read as what they are.
  const others = below
    .filter((path) => path !== project.manifest && path.endsWith('/package.json'))
    .map((path) => path.slice(0, -'package.json'.length))
  const files = below.filter(
    (path) =>
      CODE.test(path) &&
      !ASIDE.test(path.slice(prefix.length)) &&
      !others.some((folder) => path.startsWith(folder)),
  )
  const sources = files.filter((path) => /(?:^|\/)(?:src|lib|source)\//.test(path.slice(prefix.length)))
  return (sources.length > 0 ? sources : files).slice(0, 400)
}
