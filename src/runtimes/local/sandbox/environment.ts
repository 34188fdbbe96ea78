import { INSIDE } from './confined-command.ts'

const PROXY_URL = `http://127.0.0.1:${INSIDE.proxyPort}`
const DIRECT = 'localhost,127.0.0.1,::1'

/**
 * The whole environment of a confined program: what it declared, and what it needs to find its way. Ours comes last,
 * because the proxy is the only way out and the home the only place to write.
 */
export function confinedEnvironment(
  declared: ReadonlyMap<string, string>,
  options: { readonly home: string; readonly hasNetwork: boolean },
): ReadonlyMap<string, string> {
  const environment = new Map([['LANG', 'C.UTF-8'], ...declared])
  environment.set('HOME', options.home)
  environment.set('PATH', INSIDE.path)
  environment.set('TMPDIR', INSIDE.temporary)
  if (options.hasNetwork) {
    for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'])
      environment.set(name, PROXY_URL)
    for (const name of ['NO_PROXY', 'no_proxy']) environment.set(name, DIRECT)
    // Makes Node's own clients use the proxy; other programs look at the variables above anyway.
    environment.set('NODE_USE_ENV_PROXY', '1')
  }
  return environment
}
