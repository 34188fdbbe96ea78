// Which room may import which. The table is written for people in docs/architecture.md; this one is enforced.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { parseSync } from 'vite'

/** A room is a folder with one door, its index.ts. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  'src/domain': [],
  'src/contract': [],
  'src/protocol': [],
  'src/config': ['src/domain'],
  'src/telemetry': ['src/domain'],
  'src/installation': ['src/domain'],
  'src/db': ['src/domain'],
  'src/vault': ['src/domain'],
  'src/network': ['src/domain'],
  'src/sources': ['src/domain', 'src/network'],
  'src/packages': ['src/domain', 'src/network'],
  'src/registry': ['src/domain', 'src/network'],
  'src/analyzer': ['src/domain'],
  'src/model': ['src/domain'],
  'src/forwarding': ['src/domain', 'src/protocol'],
  'src/bridge': ['src/domain', 'src/protocol', 'src/forwarding'],
  // What local and docker share: installing packages, and running programs that something confines.
  'src/runtimes/confined': ['src/domain', 'src/protocol', 'src/bridge', 'src/network'],
  'src/runtimes/local': ['src/domain', 'src/runtimes/confined'],
  'src/runtimes/docker': ['src/domain', 'src/network', 'src/runtimes/confined', 'src/runtimes/remote'],
  // What runtimes share that run our image: what the program in it is told and tells, and the way to it.
  'src/runtimes/elsewhere': [
    'src/domain',
    'src/protocol',
    'src/bridge',
    'src/forwarding',
    'src/runtimes/confined',
  ],
  // The program in the image.
  'src/runtimes/image': [
    'src/domain',
    'src/protocol',
    'src/bridge',
    'src/forwarding',
    'src/runtimes/confined',
    'src/runtimes/elsewhere',
  ],
  'src/runtimes/fly': ['src/domain', 'src/network', 'src/forwarding', 'src/runtimes/elsewhere'],
  'src/runtimes/kubernetes': [
    'src/domain',
    'src/forwarding',
    'src/runtimes/elsewhere',
    'src/runtimes/confined',
    'src/runtimes/remote',
  ],
  'src/runtimes/remote': ['src/domain', 'src/protocol', 'src/bridge', 'src/network', 'src/runtimes/confined'],
  'src/gateway': ['src/domain', 'src/protocol', 'src/telemetry'],
  'src/collections': ['src/domain', 'src/protocol'],
  'src/services': ['src/domain', 'src/contract', 'src/db', 'src/vault'],
  // It alone writes what is, so it uses the queries without a service between.
  'src/reconciler': ['src/domain', 'src/db', 'src/services', 'src/telemetry'],
  'src/mail': ['src/domain'],
  'src/auth': ['src/domain', 'src/config', 'src/db'],
  'src/oauth': ['src/domain', 'src/protocol', 'src/db'],
  'src/api': ['src/domain', 'src/contract', 'src/services', 'src/auth', 'src/oauth', 'src/telemetry'],
  'src/cli': ['src/domain', 'src/contract'],
  web: ['src/contract'],
}

/** The composition root: may import every room, and nothing but itself imports it. */
const isRoot = (path: string): boolean => path === 'src/main.ts' || path.startsWith('src/program/')

/** Tests beside the code may also use what is made for tests. */
const isTest = (file: string): boolean => /\.test\.tsx?$/.test(file)

/**
 * What is wrong with the imports of one file.
 * @param file path relative to the project, with forward slashes
 * @param code its text
 * @returns one sentence per forbidden import, empty when all are allowed
 */
export function forbiddenImports(file: string, code: string): string[] {
  const room = roomOf(file)
  if (room === null && !isRoot(file)) {
    return [`${file} belongs to no room. Put it into one, or add the room to scripts/check-layers.ts.`]
  }
  return importsOf(file, code)
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => join(dirname(file), specifier.replace(/\?.*$/, '')))
    .flatMap((target) => {
      const problem = problemOf(target, room, isTest(file))
      return problem === null ? [] : [`${file} imports ${target}: ${problem}`]
    })
}

function problemOf(target: string, room: string | null, test: boolean): string | null {
  if (isRoot(target)) return room === null ? null : 'nothing imports the composition root'
  const targetRoom = roomOf(target)
  if (targetRoom === null) {
    if (test && target.startsWith('test/')) return null
    return room === 'web' || !/^(?:src|web|test|scripts|bench|examples)\//.test(target)
      ? null
      : 'it belongs to no room'
  }
  if (targetRoom === room) return null
  if (room !== null && !ROOMS[room]?.includes(targetRoom)) return `${room} may not import ${targetRoom}`
  if (target !== `${targetRoom}/index.ts`) return `only through the door, ${targetRoom}/index.ts`
  return null
}

function roomOf(path: string): string | null {
  return Object.keys(ROOMS).find((room) => path.startsWith(`${room}/`)) ?? null
}

/** Specifiers of all imports and re-exports, types included; of dynamic imports those that are a plain text. */
function importsOf(file: string, code: string): string[] {
  const { module, errors } = parseSync(file, code)
  if (errors[0] !== undefined) throw new Error(`${file}: ${errors[0].message}`)
  const dynamic = module.dynamicImports.map(({ moduleRequest }) =>
    code.slice(moduleRequest.start + 1, moduleRequest.end - 1),
  )
  const reExported = module.staticExports.flatMap(({ entries }) =>
    entries.flatMap((entry) => entry.moduleRequest?.value ?? []),
  )
  return [...module.staticImports.map(({ moduleRequest }) => moduleRequest.value), ...reExported, ...dynamic]
}

/** Every source file below `src` and `web`, relative to `root`. */
function sourceFiles(root: string): string[] {
  return ['src', 'web'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
      .map((entry) => relative(root, join(entry.parentPath, entry.name))),
  )
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..')
  const problems = sourceFiles(root).flatMap((file) =>
    forbiddenImports(file, readFileSync(join(root, file), 'utf8')),
  )
  if (problems.length > 0) {
    process.stderr.write(`${[...new Set(problems)].join('\n')}\n`)
    process.exitCode = 1
  }
}
