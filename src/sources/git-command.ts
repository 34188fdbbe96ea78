import { Buffer } from 'node:buffer'
import type { Secret } from '../domain/index.ts'

export interface GitInvocation {
  readonly args: readonly string[]
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>
}

export interface GitSettings {
  /** Where git's files of this one reading are; also its home. */
  readonly directory: string
  /** https, or http for a server that is trusted. */
  readonly url: URL
  /** The only addresses that the host may have. */
  readonly addresses: readonly string[]
  readonly token: Secret | null
}

/** `git init` of the repository that everything is fetched into. */
export function initArgs(): readonly string[] {
  return ['init', '--quiet', '--bare', '--template=', '.']
}

/** Fetches one commit and nothing else. */
export function fetchArgs(url: URL, commit: string): readonly string[] {
  return [
    'fetch',
    '--quiet',
    '--depth=1',
    '--no-tags',
    '--no-recurse-submodules',
    '--no-write-fetch-head',
    '--no-auto-maintenance',
    '--',
    url.href,
    commit,
  ]
}

/** Writes the files of the commit to standard output as a tar archive. */
export function archiveArgs(commit: string): readonly string[] {
  return ['archive', '--format=tar', commit]
}

/**
 * All of git's configuration, as variables, so that a token shows in no list of processes. Nothing of this machine's
 * configuration counts: no hooks, helpers, proxies, other protocols or redirects.
 */
export function gitEnvironment({
  directory,
  url,
  addresses,
  token,
}: GitSettings): Readonly<Record<string, string>> {
  const scheme = url.protocol === 'http:' ? 'http' : 'https'
  const port = url.port === '' ? (scheme === 'http' ? '80' : '443') : url.port
  const pinned = addresses.map((address) => (address.includes(':') ? `[${address}]` : address)).join(',')
  const config: readonly (readonly [string, string])[] = [
    ['protocol.allow', 'never'],
    [`protocol.${scheme}.allow`, 'always'],
    ['core.hooksPath', '/dev/null'],
    ['core.fsmonitor', 'false'],
    ['core.symlinks', 'false'],
    ['credential.helper', ''],
    ['submodule.recurse', 'false'],
    ['fetch.recurseSubmodules', 'false'],
    // Whoever answers another request must not send this one elsewhere: redirects were followed and checked before.
    ['http.followRedirects', 'false'],
    ['http.curloptResolve', `${url.hostname}:${port}:${pinned}`],
    ['http.proxy', ''],
    ['http.lowSpeedLimit', '1000'],
    ['http.lowSpeedTime', '20'],
    ...(token === null
      ? []
      : ([['http.extraHeader', `Authorization: ${basicAuthorization(url, token)}`]] as const)),
  ]
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    LC_ALL: 'C',
    HOME: directory,
    GIT_DIR: directory,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '/bin/false',
    GIT_ALLOW_PROTOCOL: scheme,
    GIT_PROTOCOL_FROM_USER: '0',
    GIT_CONFIG_COUNT: String(config.length),
    ...Object.fromEntries(
      config.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
  }
}

/** The name under which the known hosts take a token in place of a password. */
export function basicAuthorization(url: URL, token: Secret): string {
  const name = url.hostname === 'bitbucket.org' ? 'x-token-auth' : 'oauth2'
  return `Basic ${Buffer.from(`${name}:${token.reveal()}`).toString('base64')}`
}
