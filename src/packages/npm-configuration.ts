import { access, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Secret } from '../domain/index.ts'
import { loadNpmLibraries, type NpmConfig } from './npm-libraries.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** How npm is set up on this host: its files (.npmrc of the user and of the host) and its variables. */
export interface NpmConfiguration {
  /** The settings as npm's libraries take them; holds credentials. */
  readonly settings: Readonly<Record<string, unknown>>
  /** Address of the default registry. */
  readonly registry: string
  /** `host:port` of every registry in use: the default one and those of scopes. */
  readonly origins: readonly string[]
  /** An .npmrc for npm elsewhere: registries, credentials, policies. Holds credentials; names no file and no proxy. */
  readonly npmrc: string
  /** Certificates (PEM) that npm trusts instead of Node's own; null for Node's own. */
  readonly certificates: string | null
  /** Certificates (PEM) of `NODE_EXTRA_CA_CERTS`. */
  readonly extraCertificates: string | null
}

/** Reads npm's configuration anew, which takes a few milliseconds. `environment` is usually `process.env`. */
export async function loadNpmConfiguration(environment: Environment): Promise<NpmConfiguration> {
  const { Config, definitions, directory } = loadNpmLibraries()
  const config = new Config({
    ...definitions,
    npmPath: directory,
    argv: [process.execPath, 'npm'],
    // Not a project's directory: whoever can write where we happen to be started has no say.
    cwd: directory,
    env: { ...environment, ...(await globalConfiguration(environment)) },
    warn: false,
  })
  await config.load()
  const values = effectiveValues(config)
  const { ca } = config.flat
  return {
    settings: config.flat,
    registry: textOf(config.get('registry')) ?? 'https://registry.npmjs.org/',
    origins: registryOrigins(values, config.get('registry')),
    npmrc: formatNpmrc(values),
    certificates: Array.isArray(ca) ? ca.join('\n') : typeof ca === 'string' ? ca : null,
    extraCertificates: await readIfThere(environment['NODE_EXTRA_CA_CERTS']),
  }
}

/** The environment with a token for the default registry, in place of the one that is configured for it. */
export function withNpmToken(environment: Environment, registry: string, token: Secret): Environment {
  // npm's own spelling of "credentials for what lies below this address" (docs: npmrc, auth related configuration).
  const place = registry.replace(/^https?:/, '').replace(/\/*$/, '/')
  return { ...environment, [`npm_config_${place}:_authToken`]: token.reveal() }
}

// Where the npm of a distribution or an installer keeps the settings for all users of a host.
const GLOBAL_FILES = ['/etc/npmrc', '/usr/local/etc/npmrc', '/usr/etc/npmrc']

/**
 * npm looks for the host's settings beside the Node that runs it. Ours came from a package and has none there, while the
 * operator set up the host's own npm.
 */
async function globalConfiguration(environment: Environment): Promise<Environment> {
  const names = Object.keys(environment).map((name) => name.toLowerCase())
  if (names.includes('npm_config_globalconfig') || names.includes('npm_config_prefix')) return {}
  const beside = join(dirname(dirname(process.execPath)), 'etc', 'npmrc')
  for (const file of [beside, ...GLOBAL_FILES]) {
    const readable = await access(file).then(
      () => true,
      () => false,
    )
    if (readable) return { npm_config_globalconfig: file }
  }
  return {}
}

/** What the layers set, without npm's defaults; stronger layers win. */
function effectiveValues(config: NpmConfig): ReadonlyMap<string, unknown> {
  const values = new Map<string, unknown>()
  for (const [layer, { data }] of config.data) {
    if (layer === 'default' || layer === 'project') continue
    for (const [key, value] of Object.entries(data)) {
      if (!values.has(key)) values.set(key, value)
    }
  }
  return values
}

// Settings that an installation elsewhere should share, besides registries of scopes and credentials. Certificates and
// proxies are not among them: those are given in other ways.
const SHARED = new Set([
  'registry',
  'replace-registry-host',
  'strict-ssl',
  'fetch-retries',
  'fetch-retry-factor',
  'fetch-retry-maxtimeout',
  'fetch-retry-mintimeout',
  'fetch-timeout',
  'maxsockets',
  'before',
  'min-release-age',
  'min-release-age-exclude',
])
const SCOPE_REGISTRY = /^@[^:]+:registry$/
// Not the ones that name files of this host.
const CREDENTIAL = /^\/\/.+:(?:_authToken|_auth|username|_password|email|always-auth)$/

/** The lines of an .npmrc. Values are quoted as JSON, as npm's reader takes them; `${` is kept from being expanded again. */
function formatNpmrc(values: ReadonlyMap<string, unknown>): string {
  return [...values]
    .filter(([key]) => SHARED.has(key) || SCOPE_REGISTRY.test(key) || CREDENTIAL.test(key))
    .flatMap(([key, value]) =>
      Array.isArray(value) ? value.map((item) => line(`${key}[]`, item)) : [line(key, value)],
    )
    .join('')
}

function line(key: string, value: unknown): string {
  const text = value instanceof Date ? value.toISOString() : String(value)
  return `${key} = ${JSON.stringify(text.replaceAll('${', '\\${'))}\n`
}

function registryOrigins(values: ReadonlyMap<string, unknown>, main: unknown): readonly string[] {
  const registries = [...values].filter(([key]) => SCOPE_REGISTRY.test(key)).map(([, value]) => value)
  const origins = [main, ...registries].flatMap((value) => {
    const url = typeof value === 'string' ? URL.parse(value) : null
    if (url === null) return []
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
    return [`${host}:${url.port === '' ? (url.protocol === 'http:' ? '80' : '443') : url.port}`]
  })
  return [...new Set(origins)]
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

async function readIfThere(path: string | undefined): Promise<string | null> {
  if (path === undefined || path === '') return null
  return readFile(path, 'utf8').catch(() => null)
}
