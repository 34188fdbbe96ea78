import type { HeaderTemplate } from '../header-template.ts'
import type { Source } from '../source.ts'
import type { SnippetServer } from './snippet.ts'

/**
 * The canonical text of a source, e.g. `npm:@scope/name@1.2.3`. Reading it again gives the same source, except for a
 * snippet's values of variables and headers, which may be secrets and are left empty.
 */
export function formatSource(source: Source): string {
  switch (source.kind) {
    case 'npm':
      return `npm:${source.name}${suffix('@', source.version)}`
    case 'pypi':
      return `pypi:${source.name}${suffix('==', source.version)}`
    case 'oci':
      return `oci:${source.registry}/${source.repository}${suffix(':', source.tag)}${suffix('@', source.digest)}`
    case 'github':
      return `https://${source.host}/${source.owner}/${source.repository}${place('/tree', source)}`
    case 'git':
      return `git:${source.url}${fragment({ ref: source.ref, subdirectory: source.path })}`
    case 'mcpb':
      return `mcpb:${source.url}${fragment({ sha256: source.sha256 })}`
    case 'registry':
      return `registry:${source.name}${suffix('@', source.version)}`
    case 'remote':
      return `remote:${source.url}${headersOf(source.headers ?? [])}`
    case 'snippet':
      return JSON.stringify({
        mcpServers: Object.fromEntries(source.servers.map((server) => [server.name, formatServer(server)])),
      })
  }
}

function suffix(sign: string, value: string | null): string {
  return value === null ? '' : `${sign}${value}`
}

/** HEAD is GitHub's and git's name for the tip of the default branch. A slash in a ref is written so that it stays one. */
function place(page: string, { ref, path }: { readonly ref: string | null; readonly path: string }): string {
  if (ref === null && path === '') return ''
  return `${page}/${encodeURIComponent(ref ?? 'HEAD')}${path === '' ? '' : `/${encodePath(path)}`}`
}

/** `#Authorization=Bearer%20{TOKEN}`: names of values, never values. */
function headersOf(headers: readonly HeaderTemplate[]): string {
  if (headers.length === 0) return ''
  return `#${headers.map(({ name, value }) => `${encodeURIComponent(name)}=${encodeURIComponent(value).replaceAll('%7B', '{').replaceAll('%7D', '}')}`).join('&')}`
}

function fragment(values: Readonly<Record<string, string | null>>): string {
  const parts = Object.entries(values).filter(([, value]) => value !== null && value !== '')
  return parts.length === 0
    ? ''
    : `#${parts.map(([name, value]) => `${name}=${encodeURIComponent(value ?? '')}`).join('&')}`
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}

function formatServer(server: SnippetServer): object {
  return server.kind === 'program'
    ? { command: server.command, args: server.args, env: emptied(server.env) }
    : {
        url: server.url,
        ...(server.transport === null ? {} : { type: server.transport }),
        headers: emptied(server.headers),
      }
}

function emptied(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.keys(values).map((name) => [name, '']))
}
