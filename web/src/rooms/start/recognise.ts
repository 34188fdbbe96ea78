export type Recognised =
  | { readonly kind: 'empty' }
  /** A source that can be looked into. */
  | { readonly kind: 'npm'; readonly version: string | null }
  /** A repository, or a package elsewhere; whether there is a server in it shows when it is read. */
  | { readonly kind: 'link' }
  /** Not a source as it stands, but probably meant as this one. */
  | { readonly kind: 'meant'; readonly source: string }
  | { readonly kind: 'later'; readonly what: string }
  | { readonly kind: 'unknown' }

const NAME = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/
const NPX = /^(?:npx|npm exec)\s+(?:(?:-y|--yes|--)\s+)*(\S+)/
const NPM_PAGE = /^https:\/\/(?:www\.)?npmjs\.(?:com|org)\/package\/((?:@[^/\s]+\/)?[^/\s?#]+)/

/** What the text in the Start field looks like. Only a help while typing: the server decides. */
export function recognise(text: string): Recognised {
  const source = text.trim()
  if (source === '') return { kind: 'empty' }
  if (source.startsWith('npm:')) return npm(source.slice(4)) ?? { kind: 'unknown' }
  const named = NPX.exec(source)?.[1] ?? NPM_PAGE.exec(source)?.[1]
  if (named !== undefined) return npm(named) ? { kind: 'meant', source: `npm:${named}` } : { kind: 'unknown' }
  if (/^(?:https?:\/\/|git@|git\+|ssh:|github\.com\/)/.test(source)) return { kind: 'link' }
  if (/^[A-Za-z0-9-]+\/[A-Za-z0-9._-]+$/.test(source)) return { kind: 'link' }
  if (source.startsWith('pypi:')) return { kind: 'link' }
  if (/^(?:oci|docker|registry|remote):/.test(source)) return { kind: 'later', what: 'Sources of this kind' }
  if (source.startsWith('{')) return { kind: 'later', what: 'Snippets' }
  return npm(source) ? { kind: 'meant', source: `npm:${source}` } : { kind: 'unknown' }
}

function npm(text: string): Recognised | null {
  const at = text.indexOf('@', 1)
  const name = at === -1 ? text : text.slice(0, at)
  const version = at === -1 ? null : text.slice(at + 1)
  return NAME.test(name) && version !== '' ? { kind: 'npm', version } : null
}
