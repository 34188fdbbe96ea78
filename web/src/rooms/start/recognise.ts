export type Recognised =
  | { readonly kind: 'empty' }
  /** A source that can be looked into. */
  | { readonly kind: 'npm'; readonly version: string | null }
  /** A repository, or a package elsewhere; whether there is a server in it shows when it is read. */
  | { readonly kind: 'link' }
  /** Not a source as it stands, but probably meant as this one. */
  | { readonly kind: 'meant'; readonly source: string }
  /** A configuration or command line, which may hold values. */
  | { readonly kind: 'snippet'; readonly what: string }
  | { readonly kind: 'later'; readonly what: string }
  | { readonly kind: 'unknown' }

const NAME = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/
/** A line that starts a package and says nothing else. */
const NPX = /^(?:npx|npm exec)\s+(?:(?:-y|--yes|--)\s+)*(\S+)$/
const COMMAND =
  /^(?:[A-Z_][A-Z0-9_]*=\S*\s+)*(?:npx|npm exec|bunx|pnpm dlx|yarn dlx|uvx|uv|pipx|docker|claude mcp add|code --add-mcp)\s/
/** A name of the MCP Registry: a namespace in reverse DNS and a name. */
const REGISTRY_NAME = /^(?:registry:)?[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+\/[A-Za-z0-9._-]+(?:@[\w.+-]+)?$/
const NPM_PAGE = /^https:\/\/(?:www\.)?npmjs\.(?:com|org)\/package\/((?:@[^/\s]+\/)?[^/\s?#]+)/

/** What the text in the Start field looks like. Only a help while typing: the server decides. */
export function recognise(text: string): Recognised {
  const source = text.trim()
  if (source === '') return { kind: 'empty' }
  if (source.startsWith('npm:')) return npm(source.slice(4)) ?? { kind: 'unknown' }
  if (/^(?:\{|"[\w.@/-]+"\s*:\s*\{|```)/.test(source)) return { kind: 'snippet', what: 'A configuration.' }
  const named = NPX.exec(source)?.[1] ?? NPM_PAGE.exec(source)?.[1]
  if (named !== undefined) return npm(named) ? { kind: 'meant', source: `npm:${named}` } : { kind: 'unknown' }
  if (COMMAND.test(source)) return { kind: 'snippet', what: 'A command line.' }
  if (/^(?:https?:\/\/|git@|git\+|ssh:|github\.com\/)/.test(source)) return { kind: 'link' }
  if (/^[A-Za-z0-9-]+\/[A-Za-z0-9._-]+$/.test(source)) return { kind: 'link' }
  if (/^(?:pypi|mcpb):/.test(source)) return { kind: 'link' }
  if (REGISTRY_NAME.test(source)) return { kind: 'link' }
  if (/^(?:oci|docker|remote):/.test(source)) return { kind: 'later', what: 'Sources of this kind' }
  return npm(source) ? { kind: 'meant', source: `npm:${source}` } : { kind: 'unknown' }
}

function npm(text: string): Recognised | null {
  const at = text.indexOf('@', 1)
  const name = at === -1 ? text : text.slice(0, at)
  const version = at === -1 ? null : text.slice(at + 1)
  return NAME.test(name) && version !== '' ? { kind: 'npm', version } : null
}
