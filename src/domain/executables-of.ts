/**
 * The executables that a package.json declares, name to path, in its order. A `bin` that is one path is named like the
 * package without its scope. Anything malformed counts as absent.
 */
export function executablesOf(packageName: string, manifest: unknown): ReadonlyMap<string, string> {
  const bin: unknown =
    typeof manifest === 'object' && manifest !== null && 'bin' in manifest ? manifest.bin : null
  if (typeof bin === 'string') return new Map([[packageName.split('/').at(-1) ?? packageName, bin]])
  if (typeof bin !== 'object' || bin === null || Array.isArray(bin)) return new Map()
  // npm takes what follows the last slash for the name.
  const entries = Object.entries(bin).map(([name, path]): [string, unknown] => [
    name.split(/[/\\:]/).at(-1) ?? '',
    path,
  ])
  return new Map(
    entries.filter((entry): entry is [string, string] => isName(entry[0]) && typeof entry[1] === 'string'),
  )
}

// The name becomes part of messages and links.
function isName(name: string): boolean {
  return /^[A-Za-z0-9@._+-]{1,214}$/.test(name) && name !== '.' && name !== '..'
}
