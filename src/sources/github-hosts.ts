/** Where GitHub's REST API is for one host of repositories. */
export interface GithubHost {
  /** As in links, with a port where it has one. */
  readonly host: string
  /** Without a slash at the end. */
  readonly apiUrl: string
}

const PUBLIC: GithubHost = { host: 'github.com', apiUrl: 'https://api.github.com' }

/**
 * The hosts whose links are GitHub's, by the one configured API. An Enterprise server (`https://HOST/api/v3`, or
 * `https://api.NAME.ghe.com`) is one more besides github.com; any other address stands for github.com itself. On this
 * machine it stands for both, so that nothing leaves it.
 */
export function githubHosts(apiUrl: string): readonly GithubHost[] {
  const configured = apiUrl.replace(/\/+$/, '')
  const url = new URL(configured)
  const isHere = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname)
  const isEnterprise = url.pathname.endsWith('/api/v3') || /^api\..+\.ghe\.com$/.test(url.hostname)
  if (!isEnterprise) return [{ ...PUBLIC, apiUrl: configured }]
  const enterprise = { host: url.host.replace(/^api\.(?=.+\.ghe\.com$)/, ''), apiUrl: configured }
  return [isHere ? { ...PUBLIC, apiUrl: configured } : PUBLIC, enterprise]
}
