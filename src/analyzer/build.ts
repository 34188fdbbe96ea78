import { join } from 'node:path/posix'
import type { GitProgram, Snapshot } from '../domain/index.ts'
import type { StartFact } from './facts.ts'
import type { Project } from './project.ts'

/**
 * What would run of a project that is built from its folder: what it declares, then what its documents start, then the
 * file that its ecosystem expects. Null when nothing says it, and for projects that nobody here can build.
 */
export function buildProgram(
  snapshot: Snapshot,
  project: Project,
  executable: string | null,
  starts: readonly StartFact[],
): GitProgram | null {
  switch (project.ecosystem) {
    case 'npm':
      return nodeProgram(snapshot, project, executable, starts)
    case 'pypi':
      return executable === null
        ? pythonProgram(snapshot, project, starts)
        : { kind: 'python', program: { kind: 'script', name: executable } }
    case 'go':
      return null
    default:
      return project.ecosystem satisfies never
  }
}

/** How a line that starts it would name it. */
export function nameOfProgram(program: GitProgram): string {
  switch (program.kind) {
    case 'node-executable':
      return program.name
    case 'node-file':
    case 'python-file':
      return program.path
    case 'python':
      return program.program.name
    default:
      return program satisfies never
  }
}

function nodeProgram(
  snapshot: Snapshot,
  project: Project,
  executable: string | null,
  starts: readonly StartFact[],
): GitProgram | null {
  if (executable !== null) return { kind: 'node-executable', name: executable }
  if (project.main !== null) return inside(project.main, (path) => ({ kind: 'node-file', path }))
  for (const start of starts) {
    // `node /path/to/the/clone/build/index.js`; what a build makes is not there yet.
    const built = /(?:^|\/)((?:dist|build|out|lib)\/[\w./-]+\.[cm]?js)$/.exec(start.name)?.[1]
    const path = suffixIn(snapshot, project, start.name) ?? built
    if (path !== undefined && /\.[cm]?[jt]s$/.test(path)) return { kind: 'node-file', path }
  }
  const found = ['index.js', 'server.js', 'src/index.js'].find((path) => has(snapshot, project, path))
  return found === undefined ? null : { kind: 'node-file', path: found }
}

function pythonProgram(
  snapshot: Snapshot,
  project: Project,
  starts: readonly StartFact[],
): GitProgram | null {
  for (const start of starts) {
    if (start.registry !== null) continue
    const path = start.name.endsWith('.py') ? suffixIn(snapshot, project, start.name) : undefined
    if (path !== undefined) return { kind: 'python-file', path }
    if (/^[A-Za-z_]\w*(?:\.\w+)*$/.test(start.name) && isModule(snapshot, project, start.name))
      return { kind: 'python', program: { kind: 'module', name: start.name } }
  }
  const packages = [...snapshot.files.keys()].flatMap((path) => {
    const below =
      project.folder === ''
        ? path
        : path.startsWith(`${project.folder}/`)
          ? path.slice(project.folder.length + 1)
          : ''
    return /^(?:src\/)?([A-Za-z_]\w*)\/__main__\.py$/.exec(below)?.[1] ?? []
  })
  if (packages.length === 1 && packages[0] !== undefined && project.name !== '')
    return { kind: 'python', program: { kind: 'module', name: packages[0] } }
  const found = ['server.py', 'main.py', 'mcp_server.py', 'app.py', 'src/server.py', 'src/main.py'].find(
    (path) => /\bmcp\b/i.test(snapshot.text(join(project.folder, path)) ?? ''),
  )
  return found === undefined ? null : { kind: 'python-file', path: found }
}

/** Whether `python -m` would find a name among the project's own files. */
function isModule(snapshot: Snapshot, project: Project, name: string): boolean {
  const path = name.replaceAll('.', '/')
  return ['', 'src/'].some((root) =>
    [`${path}.py`, `${path}/__main__.py`].some((file) => has(snapshot, project, root + file)),
  )
}

const has = (snapshot: Snapshot, { folder }: Project, path: string): boolean =>
  snapshot.files.has(join(folder, path))

/** The longest end of a path, as somebody wrote it down for another machine, that is a file of the project. */
function suffixIn(snapshot: Snapshot, project: Project, path: string): string | undefined {
  const words = path.split(/[\\/]/).filter((word) => word !== '' && word !== '.')
  if (words.includes('..')) return undefined
  return words.map((_, i) => words.slice(i).join('/')).find((end) => has(snapshot, project, end))
}

function inside(path: string, make: (path: string) => GitProgram): GitProgram | null {
  const plain = join(path)
  return plain.startsWith('..') || plain.startsWith('/') ? null : make(plain)
}
