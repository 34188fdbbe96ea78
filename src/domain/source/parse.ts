import type { CatwalkError } from '../errors.ts'
import { headerProblem, variablesIn } from '../header-template.ts'
import { parsePackageName } from '../package-name.ts'
import { quoted } from '../quoted.ts'
import type { BundleSource, RegistrySource, RemoteSource, Source } from '../source.ts'
import { parseOci, parsePypi } from './packages.ts'
import { pathSegments } from './paths.ts'
import { notASource } from './refuse.ts'
import {
  isForge,
  looksLikeRepository,
  parseGitUrl,
  parseGithubUrl,
  parseRawGithubUrl,
  parseShorthand,
} from './repositories.ts'
import { parseCommandLine, parseSnippet } from './snippet.ts'

export interface ParseOptions {
  /** Hosts (with port) of GitHub Enterprise servers that this installation knows, besides `github.com`. */
  readonly githubHosts?: readonly string[]
}

const MAX_CHARACTERS = 2048
// Namespace in reverse DNS and a name (the MCP Registry's server.json, `name`).
const REGISTRY_NAME = /^[a-zA-Z0-9.-]+\.[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/
/** Registries of images whose names stand for themselves. */
const IMAGE_HOST =
  /^(?:docker\.io|ghcr\.io|quay\.io|mcr\.microsoft\.com|[\w-]+\.(?:gcr\.io|azurecr\.io|pkg\.dev))\//
const REGISTRY_VERSION = /^[A-Za-z0-9][A-Za-z0-9.+_-]{0,254}$/

/**
 * Reads what a person typed or pasted: `npm:`, `pypi:`, `oci:` and `registry:` names, links to repositories in any form
 * (also of a folder, file, branch, tag or commit in one, SSH forms, `owner/name`), pages of package indexes, the address
 * of a bundle (`.mcpb`) or a remote server, an `mcpServers` snippet, a command line such as `npx -y name`.
 * @throws CatwalkError `invalid_source` for an unknown form, `invalid_package` for a bad name or version
 */
export function parseSource(text: string, options: ParseOptions = {}): Source {
  const trimmed = text.trim().replace(/^<(.*)>$/, '$1')
  if (trimmed === '') throw notASource('The source is empty.')
  if (/^(?:[{`"]|\/[/*])/.test(trimmed)) return parseSnippet(trimmed)
  if (trimmed.length > MAX_CHARACTERS) throw notASource('The source is too long.')
  const prefixed = parsePrefixed(trimmed, options)
  if (prefixed !== null) return prefixed
  const command = parseCommandLine(trimmed)
  if (command !== null) return command
  if (/[\s\p{Cc}\p{Cf}]/u.test(trimmed)) throw unknownForm(trimmed)
  const address = toAddress(trimmed, options)
  if (address !== null) {
    return address.isRepository ? parseRepository(address.url, options) : parseUrl(address.url, options)
  }
  if (trimmed.startsWith('@')) return { kind: 'npm', ...parsePackageName(trimmed) }
  if (IMAGE_HOST.test(trimmed)) return parseOci(trimmed)
  if (isRegistryName(trimmed.replace(/@.*$/, ''))) return parseRegistry(trimmed)
  const shorthand = parseShorthand(trimmed)
  if (shorthand !== null) return shorthand
  throw unknownForm(trimmed)
}

function parsePrefixed(text: string, options: ParseOptions): Source | null {
  const [, prefix, rest = ''] = /^([a-z+]+):(?!\/\/)(.*)$/s.exec(text) ?? []
  switch (prefix) {
    case 'npm':
      return { kind: 'npm', ...parsePackageName(rest) }
    case 'pypi':
      return parsePypi(rest)
    case 'oci':
    case 'docker':
      return parseOci(rest)
    case 'registry':
      return parseRegistry(rest)
    case 'github': {
      const source = parseShorthand(rest)
      if (source === null) throw notASource(`${quoted(rest)} is not the name of a repository on GitHub.`)
      return source
    }
    case 'gitlab':
      return parseUrl(new URL(`https://gitlab.com/${rest}`), options)
    case 'bitbucket':
      return parseUrl(new URL(`https://bitbucket.org/${rest}`), options)
    case 'remote': {
      const url = URL.parse(rest)
      if (url === null || !/^https?:$/.test(url.protocol))
        throw notASource(`${quoted(rest)} is not an address.`)
      return withHeaders(parseRemote(url), url.hash)
    }
    case 'mcpb': {
      const url = URL.parse(rest)
      if (url === null) throw notASource(`${quoted(rest)} is not an address.`)
      return parseBundleUrl(url)
    }
    case 'git': {
      const url = URL.parse(rest)
      if (url === null) throw notASource(`${quoted(rest)} is not an address.`)
      return parseRepository(url, options)
    }
    case undefined:
    default:
      return null
  }
}

function parseRegistry(text: string): RegistrySource {
  const [, name = '', version] = /^([^@]*)(?:@(.*))?$/s.exec(text) ?? []
  if (!isRegistryName(name) || (version !== undefined && !REGISTRY_VERSION.test(version))) {
    throw notASource(`${quoted(text)} is not a name of the MCP Registry, such as io.github.owner/server.`)
  }
  return { kind: 'registry', name, version: version ?? null }
}

function isRegistryName(text: string): boolean {
  return text.length <= 200 && REGISTRY_NAME.test(text)
}

interface Address {
  readonly url: URL
  /** Whether its scheme says that it is a repository. */
  readonly isRepository: boolean
}

/** SSH forms become https; a well-known host may stand without a scheme. Null when it is no address. */
function toAddress(text: string, { githubHosts = [] }: ParseOptions): Address | null {
  const scp = /^(?:[\w.-]+@)([A-Za-z0-9.-]+):(?!\/\/)(.+)$/.exec(text)
  if (scp !== null) return addressOf(`https://${scp[1] ?? ''}/${scp[2] ?? ''}`, true)
  const [, scheme, rest = ''] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(text) ?? []
  switch (scheme?.toLowerCase()) {
    case undefined: {
      const [host = '', path = ''] = text.toLowerCase().split('/', 2)
      const name = host.replace(/^www\./, '')
      const isKnown = name === 'github.com' || githubHosts.includes(name) || isForge(name)
      return isKnown && path !== '' ? addressOf(`https://${text}`, false) : null
    }
    case 'http':
    case 'https':
      return addressOf(text, false)
    case 'git+https':
    case 'git+http':
    case 'git':
      return addressOf(`https://${rest}`, true)
    case 'ssh':
    case 'git+ssh': {
      // `ssh://git@host:owner/name` is written often; a port of SSH says nothing about https.
      const [, host = '', path = ''] = /^(?:[^@/]*@)?([^/:]+)(?::\d+(?=\/)|:)?\/?(.*)$/s.exec(rest) ?? []
      return addressOf(`https://${host}/${path}`, true)
    }
    default:
      throw notASource(
        `Sources cannot be read over ${quoted(scheme ?? '')}.`,
        'Paste the https address of the repository.',
      )
  }
}

function addressOf(text: string, isRepository: boolean): Address | null {
  const url = URL.parse(text)
  return url === null ? null : { url, isRepository }
}

function parseUrl(url: URL, options: ParseOptions): Source {
  const host = checkAddress(url)
  const segments = pathSegments(url)
  if (segments === null) throw notASource(`${quoted(url.pathname)} is not a valid path.`)
  if (/\.(?:mcpb|dxt)$/i.test(url.pathname)) return parseBundleUrl(url)
  const page = parsePage(host, segments)
  if (page !== null) return page
  if (host === 'github.com' || options.githubHosts?.includes(host) === true)
    return parseRepository(url, options)
  if (host === 'raw.githubusercontent.com') return parseRawGithubUrl(url)
  return looksLikeRepository(url) ? parseRepository(url, options) : parseRemote(url)
}

function parseRepository(url: URL, { githubHosts = [] }: ParseOptions): Source {
  const host = checkAddress(url)
  return host === 'github.com' || githubHosts.includes(host) ? parseGithubUrl(url, host) : parseGitUrl(url)
}

/** The headers that {@link formatSource} writes. */
function withHeaders(source: RemoteSource, hash: string): RemoteSource {
  if (hash.length <= 1) return source
  const headers = [...new URLSearchParams(hash.slice(1).replaceAll('+', '%2B'))].map(([name, value]) => ({
    name,
    value,
  }))
  for (const header of headers) {
    const problem = headerProblem(header)
    if (problem !== null) throw notASource(`The header ${quoted(header.name)} ${problem}.`)
    if (variablesIn(header).length === 0)
      throw notASource(
        `The header ${quoted(header.name)} holds a value. Write {NAME} in its place, and give the value on its own.`,
      )
  }
  return { ...source, headers }
}

function parseRemote(url: URL): RemoteSource {
  return { kind: 'remote', url: cleanAddress(url, 'a remote server') }
}

/** A file of a bundle; `#sha256=…` says which one it has to be. */
function parseBundleUrl(url: URL): BundleSource {
  const address = new URL(cleanAddress(url, 'a bundle'))
  // The page about a file of a repository; the file itself is beside it.
  if (/^(?:www\.)?github\.com$/.test(address.host))
    address.pathname = address.pathname.replace(/^(\/[^/]+\/[^/]+)\/blob\//, '$1/raw/')
  const sha256 = new URLSearchParams(url.hash.slice(1)).get('sha256')
  if (sha256 !== null && !/^[0-9a-f]{64}$/.test(sha256))
    throw notASource(`${quoted(sha256)} is not a SHA-256 in hex.`)
  return { kind: 'mcpb', url: address.href, sha256 }
}

/** Without its fragment. @throws CatwalkError `invalid_source` for one that is neither https nor of this machine */
function cleanAddress(url: URL, what: string): string {
  checkAddress(url)
  const isHere = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname)
  if (url.protocol !== 'https:' && !isHere) {
    throw notASource(`The address of ${what} must begin with https://.`)
  }
  const clean = new URL(url)
  clean.hash = ''
  return clean.href
}

/** Pages of the package indexes. */
function parsePage(host: string, segments: readonly string[]): Source | null {
  const [first, second, third, fourth, fifth] = segments
  switch (host) {
    case 'npmjs.com':
    case 'npmjs.org': {
      if (first !== 'package' || second === undefined) return null
      const scoped = second.startsWith('@') && third !== undefined
      const name = scoped ? `${second}/${third}` : second
      const [marker, version] = scoped ? [fourth, fifth] : [third, fourth]
      return {
        kind: 'npm',
        ...parsePackageName(marker === 'v' && version !== undefined ? `${name}@${version}` : name),
      }
    }
    case 'pypi.org':
      return first === 'project' && second !== undefined
        ? parsePypi(third === undefined ? second : `${second}==${third}`)
        : null
    case 'hub.docker.com':
      if (first === '_' && second !== undefined) return parseOci(second)
      return (first === 'r' || first === 'mcp') && second !== undefined && third !== undefined
        ? parseOci(first === 'mcp' ? `mcp/${third}` : `${second}/${third}`)
        : null
    case 'registry.modelcontextprotocol.io':
      return second === 'servers' && third !== undefined ? parseRegistry(third) : null
    default:
      return null
  }
}

/** The host in normal form. @throws CatwalkError `invalid_source` for an address that holds a password */
function checkAddress(url: URL): string {
  // What stands before the @ is never shown: it may be a token. `git@` alone is not one.
  if (url.password !== '' || !/^(?:git)?$/.test(url.username)) {
    throw notASource(
      'The address holds a user name or password.',
      'Leave them out. The token for private repositories has its place in the settings.',
    )
  }
  if (!/^https?:$/.test(url.protocol) || url.hostname === '')
    throw notASource('The address is not an https address.')
  return url.host.replace(/^www\./, '')
}

function unknownForm(text: string): CatwalkError {
  const mayHoldPassword = /\/\/[^/]*@/.test(text)
  return notASource(`${mayHoldPassword ? 'The text' : quoted(text)} is not a source that Catwalk knows.`)
}
