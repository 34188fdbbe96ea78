import { dirname, join, relative } from 'node:path/posix'
import { executablesOf, type Snapshot } from '../domain/index.ts'
import { parseJson, recordOf, stringOf, type Fields } from './readers/json.ts'
import type { Project } from './project.ts'
import { readPythonProject } from './readers/python-project.ts'

const ASIDE =
  /(?:^|\/)(?:node_modules|vendor|third_party|fixtures?|__fixtures__|tests?|__tests__|e2e|examples?|samples?|demos?|templates?|docs?|website|\.github|bench(?:mark)?s?)\//i
const MOST = 40

/** Every package of a snapshot, the nearest to the wanted folder first. */
export function findProjects(snapshot: Snapshot): readonly Project[] {
  const wanted = snapshot.path === '' ? '' : `${snapshot.path.replace(/\/$/, '')}/`
  const found: Project[] = []
  const paths = [...snapshot.files.keys()].filter(
    (path) => path.startsWith(wanted) && !ASIDE.test(path.slice(wanted.length)),
  )
  const manifests = paths
    .filter((path) =>
      /(?:^|\/)(?:package\.json|pyproject\.toml|setup\.py|setup\.cfg|go\.mod|requirements\.txt|[^/]+\.dist-info\/METADATA)$/.test(
        path,
      ),
    )
    // A list of what is needed declares a project only where nothing else does.
    .toSorted(
      (a, b) =>
        Number(a.endsWith('requirements.txt')) - Number(b.endsWith('requirements.txt')) ||
        a.split('/').length - b.split('/').length,
    )
  const taken = new Set<string>()
  for (const path of manifests) {
    const project = path.endsWith('package.json')
      ? npmProject(snapshot, path)
      : path.endsWith('go.mod')
        ? goProject(snapshot, path)
        : readPythonProject(snapshot, path)
    if (project === null || taken.has(`${project.ecosystem} ${project.folder}`)) continue
    taken.add(`${project.ecosystem} ${project.folder}`)
    found.push(project)
    if (found.length === MOST) break
  }
  return found
}

export function folderOf(path: string): string {
  const folder = dirname(path)
  return folder === '.' ? '' : folder
}

function npmProject(snapshot: Snapshot, path: string): Project | null {
  const document = recordOf(parseJson(snapshot.text(path)))
  const name = stringOf(document?.['name'])
  // One that only says how the files of its folder are to be taken is no package.
  const isPackage = ['name', 'bin', 'main', 'scripts', 'dependencies'].some(
    (key) => document?.[key] !== undefined,
  )
  if (document === null || !isPackage) return null
  const repository = recordOf(document['repository'])
  const executables = new Map(
    [...executablesOf(name ?? '', document)].filter(([, file]) => !isLeftOut(snapshot, folderOf(path), file)),
  )
  return {
    ecosystem: 'npm',
    folder: folderOf(path),
    manifest: path,
    name: name ?? '',
    version: stringOf(document['version']),
    description: stringOf(document['description']),
    executables,
    main:
      stringOf(document['main']) ?? scriptFile(recordOf(document['scripts'])) ?? stringOf(document['module']),
    dependencies: new Set(
      ['dependencies', 'optionalDependencies', 'peerDependencies', 'devDependencies'].flatMap((key) =>
        Object.keys(recordOf(document[key]) ?? {}),
      ),
    ),
    isPrivate: document['private'] === true || name === null,
    isLibrary:
      executables.size === 0 &&
      ['exports', 'types', 'typings'].some((key) => document[key] !== undefined) &&
      scriptFile(recordOf(document['scripts'])) === null,
    repository: stringOf(document['repository']) ?? stringOf(repository?.['url']),
    registryName: stringOf(document['mcpName']),
  }
}

/** What was built beside it is there, and it is not. */
function isLeftOut(snapshot: Snapshot, folder: string, file: string): boolean {
  const path = join(folder, file)
  const [top = '', ...rest] = relative(folder, path).split('/')
  if (rest.length === 0 || top === '..') return false
  const inside = `${join(folder, top)}/`
  const known = [...snapshot.files.keys()]
  return (
    !['', '.js', '.mjs', '.cjs', '/index.js'].some((ending) => snapshot.files.has(path + ending)) &&
    known.some((one) => one.startsWith(inside) && /\.[cm]?js$/.test(one))
  )
}

/** The file that `npm start` runs. */
function scriptFile(scripts: Fields | null): string | null {
  for (const name of ['start', 'start:stdio', 'serve', 'dev']) {
    const match = /(?:node|tsx|ts-node|bun(?: run)?)\s+(?:--?[\w=-]+\s+)*([\w./-]+\.[cm]?[jt]s)\b/.exec(
      stringOf(scripts?.[name]) ?? '',
    )
    if (match?.[1] !== undefined) return match[1]
  }
  return null
}

function goProject(snapshot: Snapshot, path: string): Project | null {
  const module = /^module\s+(\S{1,300})/m.exec(snapshot.text(path) ?? '')?.[1]
  if (module === undefined) return null
  return {
    ecosystem: 'go',
    folder: folderOf(path),
    manifest: path,
    name: module,
    version: null,
    description: null,
    executables: new Map(),
    main: null,
    dependencies: new Set(
      [...(snapshot.text(path) ?? '').matchAll(/^\s+([\w./-]{3,200}) v/gm)].map((match) => match[1] ?? ''),
    ),
    isPrivate: false,
    isLibrary: false,
    repository: null,
    registryName: null,
  }
}
