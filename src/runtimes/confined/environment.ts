import { INSIDE } from './command.ts'

const PROXY_URL = `http://127.0.0.1:${INSIDE.proxyPort}`
const OWN_LOOPBACK = 'localhost,127.0.0.1,::1'

/** `internet`: a server, which may also talk to itself. `registries`: npm, whose registry may be on the host's loopback. */
export type ProxyUse = 'none' | 'internet' | 'registries'

/** The same for a program that reaches its network by itself. */
export function withoutProxy(environment: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  if (environment.get('HTTP_PROXY') !== PROXY_URL) return environment
  return new Map([...environment].filter(([name]) => !PROXY_NAMES.has(name)))
}

const PROXY_NAMES: ReadonlySet<string> = new Set([
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'http_proxy',
  'https_proxy',
  'NO_PROXY',
  'no_proxy',
  'NODE_USE_ENV_PROXY',
])

/**
 * The whole environment of a confined program: what it declared, and what it needs to find its way. Ours comes last,
 * because the proxy is the only way out and the home the only place to write.
 */
export function confinedEnvironment(
  declared: ReadonlyMap<string, string>,
  options: {
    readonly home: string
    readonly proxy: ProxyUse
    /** Whether the image says where programs are. */
    readonly ownPath?: boolean
  },
): ReadonlyMap<string, string> {
  const environment = new Map([['LANG', 'C.UTF-8'], ...declared])
  environment.set('HOME', options.home)
  // The same name given by a release would lead programs of the image astray.
  if (options.ownPath === true) environment.delete('PATH')
  else environment.set('PATH', INSIDE.path)
  environment.set('TMPDIR', INSIDE.temporary)
  if (options.proxy !== 'none') {
    for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'])
      environment.set(name, PROXY_URL)
    const direct = options.proxy === 'internet' ? OWN_LOOPBACK : ''
    for (const name of ['NO_PROXY', 'no_proxy']) environment.set(name, direct)
    // Makes Node's own clients use the proxy; other programs look at the variables above anyway.
    environment.set('NODE_USE_ENV_PROXY', '1')
  }
  return environment
}
