import { dirname, join } from 'node:path/posix'
import { calleeName, child, children, type Node, type Program } from './syntax.ts'
import { walk } from './walk.ts'

/** What a program imports from its own package: relative specifiers and those that start with `#`. */
export function localImports(program: Program): readonly string[] {
  const found = new Set<string>()
  walk(program, (node) => {
    const specifier = specifierOf(node)
    if (specifier !== null && /^[.#]/.test(specifier)) found.add(specifier)
  })
  return [...found]
}

function specifierOf(node: Node): string | null {
  let source: Node | null = null
  switch (node.type) {
    case 'ImportDeclaration':
      if (node['importKind'] === 'type') return null
      source = child(node, 'source')
      break
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
    case 'ImportExpression':
      source = child(node, 'source')
      break
    case 'CallExpression':
      if (calleeName(node) !== 'require') return null
      source = children(node, 'arguments')[0] ?? null
      break
    default:
      return null
  }
  const value = source?.['value']
  return typeof value === 'string' ? value : null
}

const ENDINGS = [
  '',
  '.ts',
  '.tsx',
  '.mts',
  '.cts',
  '.js',
  '.mjs',
  '.cjs',
  '.jsx',
  '/index.ts',
  '/index.js',
  '/index.mjs',
  '/index.cjs',
  '/index.tsx',
]

/** The file of a snapshot that a path without certainty means: with an ending, a TypeScript twin, or a folder's index. */
export function resolveFile(path: string, has: (path: string) => boolean): string | null {
  const normal = join(path)
  for (const ending of ENDINGS) if (has(normal + ending)) return normal + ending
  const twin = normal.replace(/\.([cm]?)jsx?$/, '.$1ts')
  if (twin !== normal) {
    if (has(twin)) return twin
    if (has(`${twin}x`)) return `${twin}x`
  }
  return null
}

/**
 * The source of a built file that the repository does not hold: `dist/a/index.js` is often `src/a/index.ts`.
 * @param folder of the package, `''` for the root
 */
export function sourceOfBuilt(path: string, folder: string, has: (path: string) => boolean): string | null {
  const direct = resolveFile(join(folder, path), has)
  if (direct !== null) return direct
  const parts = join(path).split('/')
  const inside = parts.slice(1).join('/')
  for (const start of ['src', 'source', 'lib', '', 'server', 'src/server']) {
    for (const end of [parts.join('/'), inside, inside.replace(/^(?:src|esm|cjs|node|bin)\//, '')]) {
      const found = resolveFile(join(folder, start, end), has)
      if (found !== null) return found
    }
  }
  return null
}

export function relativeTo(file: string, specifier: string): string {
  return join(dirname(file), specifier)
}
