const NOISE = new Set(['mcp', 'server', 'servers', 'modelcontextprotocol'])

/**
 * A name for people from a package's name: the scope and the words that every server has are left out, so that
 * `@acme/notion-mcp-server` becomes `Notion`.
 */
export function suggestName(packageName: string): string {
  const [scope, base] = packageName.startsWith('@')
    ? packageName.slice(1).split('/')
    : [undefined, packageName]
  const words = wordsOf(base ?? '').filter((word) => !NOISE.has(word))
  const scopeWords = wordsOf(scope ?? '').filter((word) => !NOISE.has(word))
  const chosen = words.length > 0 ? words : scopeWords.length > 0 ? scopeWords : wordsOf(base ?? '')
  const name = chosen.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join(' ')
  return name === '' ? 'Server' : name.slice(0, 80)
}

/** Lower-case letters, digits and single hyphens, 40 characters at most; never empty. */
export function slugify(name: string): string {
  const plain = name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replaceAll(/^-+|-+$/g, '')
  return plain === '' ? 'server' : plain
}

function wordsOf(text: string): string[] {
  return text.split(/[^A-Za-z0-9]+/).filter((word) => word !== '')
}
