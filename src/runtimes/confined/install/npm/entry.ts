import { open, realpath, stat } from 'node:fs/promises'
import { join, posix, sep } from 'node:path'
import { CatwalkError, executablesOf, quoted, type NpmPackage } from '../../../../domain/index.ts'
import { packagePath } from './lock-file.ts'

/** What Node is to run: its own flags, then the script's path relative to the installation. */
export interface Entry {
  readonly nodeFlags: readonly string[]
  readonly script: string
}

const MAX_MANIFEST_BYTES = 4 * 1024 * 1024

/**
 * Finds the script behind an executable of an installed package. The package's files are hostile: the script must be a
 * regular file inside the package, also after following links.
 * @throws CatwalkError `no_executable` with the reason
 */
export async function findEntry(installation: string, spec: NpmPackage): Promise<Entry> {
  const fail = (reason: string): CatwalkError =>
    new CatwalkError(
      'no_executable',
      `${quoted(spec.executable)} of ${spec.name}@${spec.version} cannot be run: ${reason}.`,
    )
  const directory = join(installation, packagePath(spec))
  const root = await realpath(directory).catch(() => null)
  if (
    root === null ||
    root !== (await realpath(installation)) + sep + packagePath(spec).replaceAll('/', sep)
  ) {
    throw fail('the package is not where it should be')
  }
  const executables = executablesOf(spec.name, await readManifest(join(root, 'package.json')))
  const declared = executables.get(spec.executable)
  if (declared === undefined) throw fail('the package does not declare it')
  const path = posix.normalize(declared)
  if (path.startsWith('../') || posix.isAbsolute(path)) throw fail('its path leads out of the package')
  // npm finds a script without its ending, as Node's own resolution does.
  const found = await firstFile(root, [path, `${path}.js`, `${path}/index.js`])
  if (found === null) throw fail(`the package has no file ${quoted(path)}`)
  if (!found.startsWith(root + sep)) throw fail('its path leads out of the package')
  const flags = nodeFlags(await firstLine(found), found)
  if (flags === null) throw fail('it is not a Node script')
  return {
    nodeFlags: flags,
    script: posix.join(packagePath(spec), found.slice(root.length + 1).replaceAll(sep, '/')),
  }
}

async function readManifest(path: string): Promise<unknown> {
  try {
    const found = await stat(path)
    if (!found.isFile() || found.size > MAX_MANIFEST_BYTES) return null
    await using file = await open(path)
    return JSON.parse(await file.readFile('utf8'))
  } catch {
    return null
  }
}

async function firstFile(root: string, candidates: readonly string[]): Promise<string | null> {
  for (const candidate of candidates) {
    const path = await realpath(join(root, candidate)).catch(() => null)
    if (path !== null && (await stat(path)).isFile()) return path
  }
  return null
}

async function firstLine(path: string): Promise<string> {
  await using file = await open(path)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(256), 0, 256, 0)
  return buffer.toString('latin1', 0, bytesRead).split('\n', 1)[0] ?? ''
}

/**
 * Node's flags in a script's first line, or null when the script is not for Node: `#!/usr/bin/env -S node --flag`,
 * `#!/usr/bin/node`, or no such line and an ending of JavaScript's.
 */
export function nodeFlags(line: string, path: string): readonly string[] | null {
  if (!line.startsWith('#!')) return /\.[cm]?js$/.test(path) ? [] : null
  const words = line.slice(2).trim().split(/\s+/)
  const program = words.shift()?.split('/').at(-1)
  if (program === 'env') {
    if (words[0] === '-S') words.shift()
    if (words.shift()?.split('/').at(-1) !== 'node') return null
  } else if (program !== 'node' && program !== 'nodejs') {
    return null
  }
  return words.every((word) => /^--[a-z0-9-]+(?:=[\w./-]+)?$/.test(word)) ? words : null
}
