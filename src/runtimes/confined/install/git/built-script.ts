import { open, readFile, realpath, stat } from 'node:fs/promises'
import { join, posix, sep } from 'node:path'
import { CatwalkError, executablesOf, quoted } from '../../../../domain/index.ts'
import { nodeFlags } from '../npm/entry.ts'

export interface BuiltScript {
  readonly nodeFlags: readonly string[]
  /** Relative to the tree. */
  readonly path: string
}

/**
 * Finds the script to run in a tree that was built. Its files are hostile: the script must be a regular file inside the
 * tree, also after following links.
 * @param program an executable of the folder's package.json, or a path from the folder
 * @throws CatwalkError `no_executable` with the reason
 */
export async function findBuiltScript(
  tree: string,
  folder: string,
  program: { readonly executable: string } | { readonly path: string },
): Promise<BuiltScript> {
  const root = await realpath(tree)
  const wanted = 'path' in program ? program.path : await executablePath(tree, folder, program.executable)
  const path = posix.normalize(posix.join(folder, wanted))
  if (path.startsWith('../') || posix.isAbsolute(path))
    throw fail(wanted, 'its path leads out of the repository')
  const found = await realpath(join(root, path)).catch(() => null)
  if (found === null || !(await stat(found)).isFile()) {
    throw fail(wanted, 'the build did not make it, and it is not in the repository')
  }
  if (!found.startsWith(root + sep)) throw fail(wanted, 'its path leads out of the repository')
  await using file = await open(found)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(256), 0, 256, 0)
  const firstLine = buffer.toString('latin1', 0, bytesRead).split('\n', 1)[0] ?? ''
  const flags = /\.[cm]?ts$/.test(found) && !firstLine.startsWith('#!') ? [] : nodeFlags(firstLine, found)
  if (flags === null) throw fail(wanted, 'it is not a Node script')
  return { nodeFlags: flags, path }
}

async function executablePath(tree: string, folder: string, executable: string): Promise<string> {
  const text = await readFile(join(tree, folder, 'package.json'), 'utf8').catch(() => '')
  let manifest: unknown = null
  try {
    manifest = JSON.parse(text)
  } catch {
    // Then it declares nothing.
  }
  const path = executablesOf(executable, manifest).get(executable)
  if (path === undefined) throw fail(executable, 'package.json does not declare it')
  return path
}

function fail(wanted: string, reason: string): CatwalkError {
  return new CatwalkError('no_executable', `${quoted(wanted)} cannot be run: ${reason}.`)
}
