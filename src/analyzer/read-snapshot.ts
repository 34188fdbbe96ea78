import { basename, join } from 'node:path/posix'
import type { Snapshot } from '../domain/index.ts'
import { createBudget } from './budget.ts'
import { buildProgram } from './build.ts'
import type { Fact, StartFact } from './facts.ts'
import { readJavaScript } from './javascript/read-javascript.ts'
import { findProjects, folderOf } from './projects.ts'
import type { Project } from './project.ts'
import { readDockerfile } from './readers/dockerfile.ts'
import { ENV_EXAMPLE, readEnvExample } from './readers/env-example.ts'
import { readMcpbManifest } from './readers/mcpb-manifest.ts'
import { readGo } from './readers/go.ts'
import { readPython } from './readers/python.ts'
import { readReadme } from './readers/readme.ts'
import { readServerJson } from './readers/server-json.ts'
import { readSmithery } from './readers/smithery.ts'
import { normalise } from './readers/python-project.ts'
import type { ProgramReading, SnapshotReading } from './reading.ts'
import { speaksMcp } from './merge/verdict.ts'

/** Beyond this number of packages only those that name MCP somewhere are read. */
const MOST_PROJECTS = 12

/**
 * Reads everything of a snapshot that says how its servers are started. Bounded in bytes, files and time by its parts;
 * it runs in a process of its own, because a parser that is native code can neither be interrupted nor trusted with
 * every input.
 * @param beforeFile told before each file of code is parsed; says whether to go on with it
 */
export function readSnapshot(
  snapshot: Snapshot,
  beforeFile: (path: string) => boolean = () => true,
): SnapshotReading {
  const budget = createBudget()
  const projects = findProjects(snapshot)
  const likely =
    projects.length > MOST_PROJECTS
      ? projects.filter((project) => mentionsMcp(project)).slice(0, MOST_PROJECTS)
      : projects
  const documents = readDocuments(snapshot)
  const programs: ProgramReading[] = []
  const claimed = new Set<StartFact>()
  for (const project of likely) {
    const nearby = documents
      .filter(({ folder }) => belongs(folder, project, likely))
      .flatMap(({ facts }) => facts)
    const starts = nearby.filter((fact): fact is StartFact => fact.kind === 'start' && isOf(fact, project))
    for (const start of starts) claimed.add(start)
    programs.push(...readPrograms(snapshot, project, nearby, starts, budget, beforeFile))
  }
  return {
    programs,
    foreignStarts: documents
      .flatMap(({ facts }) => facts)
      .filter((fact): fact is StartFact => fact.kind === 'start' && !claimed.has(fact)),
    warnings: budget.warnings,
  }
}

function mentionsMcp(project: Project): boolean {
  return (
    /mcp/i.test(
      `${project.name} ${project.description ?? ''} ${[...project.executables.keys()].join(' ')}`,
    ) || [...project.dependencies].some((name) => /mcp|modelcontextprotocol/.test(name))
  )
}

interface DocumentFacts {
  readonly folder: string
  readonly facts: readonly Fact[]
}

function readDocuments(snapshot: Snapshot): readonly DocumentFacts[] {
  const found: DocumentFacts[] = []
  let read = 0
  for (const path of snapshot.files.keys()) {
    const name = basename(path)
    const folder = folderOf(path)
    if (folder.split('/').length > 5 || /(?:^|\/)(?:node_modules|vendor|fixtures?)\//.test(path)) continue
    const reader =
      name === 'server.json'
        ? readServerJson
        : name === 'manifest.json'
          ? readMcpbManifest
          : /^smithery\.ya?ml$/.test(name)
            ? readSmithery
            : /^Dockerfile(?:\..+)?$/.test(name)
              ? readDockerfile
              : ENV_EXAMPLE.test(name)
                ? readEnvExample
                : /^readme(?:\.(?:md|mdx|markdown|rst|txt))?$/i.test(name)
                  ? readReadme
                  : /(?:^|\/)docs?\/.*(?:config|install|setup|usage|quick|getting|env|auth|start)[^/]*\.mdx?$/i.test(
                        path,
                      )
                    ? readReadme
                    : null
    if (reader === null || read++ > 80) continue
    found.push({
      folder: /(?:^|\/)docs?(?:\/|$)/.test(folder) ? folder.replace(/(?:^|\/)docs?(?:\/.*)?$/, '') : folder,
      facts: reader(snapshot, path),
    })
  }
  return found
}

/** A document speaks of the nearest project above or beside it; the root's also of all others. */
function belongs(folder: string, project: Project, all: readonly Project[]): boolean {
  if (folder === '' || folder === project.folder) return true
  if (!`${folder}/`.startsWith(project.folder === '' ? '' : `${project.folder}/`)) return false
  return !all.some(
    (other) =>
      other !== project &&
      other.folder.length > project.folder.length &&
      `${folder}/`.startsWith(`${other.folder}/`),
  )
}

/** Whether a start line starts something of a project. */
function isOf(start: StartFact, project: Project): boolean {
  switch (start.registry) {
    case 'npm':
      return project.ecosystem === 'npm' && start.name === project.name
    case 'pypi':
      return project.ecosystem === 'pypi' && normalise(start.name) === normalise(project.name)
    case 'oci':
    case 'git':
    case 'mcpb':
    case 'remote':
      return false
    case null: {
      const last = start.name.split(/[\\/]/).at(-1) ?? ''
      if (project.executables.has(start.name) || project.executables.has(last)) return true
      if (project.ecosystem === 'pypi')
        return normalise(start.name) === normalise(project.name) || last.endsWith('.py')
      if (project.ecosystem === 'go') return last === project.name.split('/').at(-1)
      const files = [...project.executables.values(), project.main ?? '']
      return files.some((file) => file !== '' && join('/', start.name).endsWith(join('/', file)))
    }
  }
}

function readPrograms(
  snapshot: Snapshot,
  project: Project,
  nearby: readonly Fact[],
  starts: readonly StartFact[],
  budget: ReturnType<typeof createBudget>,
  beforeFile: (path: string) => boolean,
): ProgramReading[] {
  const evidence = {
    file: project.manifest,
    line: 1,
    reader: project.manifest.split('/').at(-1) === 'package.json' ? 'package-json' : 'python-project',
  }
  if (project.ecosystem !== 'npm') {
    const facts = [...nearby, ...readSources(snapshot, project, budget)]
    const names: readonly (string | null)[] =
      project.executables.size > 0 ? [...project.executables.keys()] : [null]
    return oneEach(
      names.map((executable) => ({
        project,
        executable,
        built: buildProgram(snapshot, project, executable, starts),
        entry: null,
        facts,
        starts,
        words: new Set<string>(),
        evidence,
      })),
      project,
    ).slice(0, 1)
  }
  const entries: readonly (readonly [string | null, string | null])[] =
    project.executables.size > 0 ? [...project.executables] : [[null, project.main]]
  const read = new Map<string, ReturnType<typeof readJavaScript>>()
  const programs = entries.slice(0, 8).map(([executable, path]): ProgramReading => {
    const key = path === null ? '' : join(path)
    const code = read.get(key) ?? readJavaScript(snapshot, project, path, budget, beforeFile)
    read.set(key, code)
    return {
      project,
      executable,
      built: buildProgram(snapshot, project, executable, starts),
      entry: code.entry,
      facts: [...nearby, ...code.facts],
      starts: starts.filter(
        (start) =>
          start.command === null || start.command === executable || !project.executables.has(start.command),
      ),
      words: code.words,
      evidence,
    }
  })
  return oneEach(programs, project)
}

const ASIDE =
  /(?:^|\/)(?:tests?|examples?|docs?|scripts|benchmarks?|vendor|node_modules|\.venv|venv|build|dist)\/|(?:^|\/)(?:test_[^/]*|conftest|setup)\.py$|_test\.(?:py|go)$/
const LARGEST_SOURCE = 2 * 1024 * 1024
const MOST_SOURCES = 1_000

/** The Python or Go code of a project's folder. */
function readSources(
  snapshot: Snapshot,
  project: Project,
  budget: ReturnType<typeof createBudget>,
): readonly Fact[] {
  const prefix = project.folder === '' ? '' : `${project.folder}/`
  const isGo = project.ecosystem === 'go'
  const read = isGo ? readGo : readPython
  return [...snapshot.files.values()]
    .filter(
      ({ path }) =>
        path.startsWith(prefix) &&
        path.endsWith(isGo ? '.go' : '.py') &&
        !ASIDE.test(path.slice(prefix.length)),
    )
    .slice(0, MOST_SOURCES)
    .flatMap(({ path, bytes }) => {
      if (!budget.take(path, bytes, LARGEST_SOURCE)) return []
      const text = snapshot.text(path, LARGEST_SOURCE)
      return text === null ? [] : read(path, text)
    })
}

/** Of executables that are the same program, or of which only one is a server, that one remains. */
function oneEach(programs: readonly ProgramReading[], project: Project): ProgramReading[] {
  const servers = programs.filter((program) => speaksMcp(program))
  const candidates = servers.length > 0 ? servers : programs
  const base = project.name.split('/').at(-1) ?? ''
  const rank = (program: ProgramReading): number => {
    const name = program.executable ?? ''
    if (program.starts.some((start) => start.command === name)) return 4
    if (name === base || name === project.name) return 3
    return /mcp/i.test(name) ? 2 : /server/i.test(name) ? 1 : 0
  }
  const sorted = candidates.toSorted((a, b) => rank(b) - rank(a))
  const seen = new Set<string>()
  return sorted.filter((program) => {
    const key = program.entry ?? program.executable ?? ''
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}
