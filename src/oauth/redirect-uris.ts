const MAX_LETTERS = 2000
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])
/** Schemes that run or show something instead of calling a program. */
const NEVER = new Set([
  'about:',
  'blob:',
  'data:',
  'file:',
  'filesystem:',
  'ftp:',
  'javascript:',
  'vbscript:',
  'ws:',
  'wss:',
])

/**
 * Why a client may not be sent back to this URI, or null when it may: https, http to the user's own machine
 * (RFC 8252, section 7.3), or a scheme of an app of its own (section 7.1).
 */
export function redirectUriProblem(uri: string): string | null {
  if (uri.length > MAX_LETTERS) return 'is too long'
  // A browser would drop these and read another address than the one that was checked.
  if (/[\s\\]|[^\x21-\x7e]/.test(uri)) return 'has characters that belong in no URI'
  const url = URL.parse(uri)
  if (url === null) return 'is no absolute URI'
  if (uri.includes('#')) return 'has a fragment'
  if (url.username !== '' || url.password !== '') return 'has a user name or password'
  if (NEVER.has(url.protocol)) return `may not have the scheme ${url.protocol}`
  if (url.protocol === 'https:') return null
  if (url.protocol !== 'http:') return null
  return LOOPBACK.has(url.hostname) ? null : 'must be https, unless it leads to the own machine'
}

/** Whether a redirect leads to a program on the machine of whoever is asked. Anything there can listen. */
export function isOwnMachine(uri: string): boolean {
  const url = new URL(uri)
  return (url.protocol !== 'https:' && url.protocol !== 'http:') || LOOPBACK.has(url.hostname)
}

/**
 * Whether `asked` is one of the registered URIs, to the letter. Only the port of http to the own machine may differ
 * (RFC 8252, section 7.3), because programs listen on whichever is free.
 */
export function isRegistered(registered: readonly string[], asked: string): boolean {
  if (redirectUriProblem(asked) !== null) return false
  if (registered.includes(asked)) return true
  const portless = withoutLoopbackPort(asked)
  return portless !== null && registered.some((uri) => withoutLoopbackPort(uri) === portless)
}

function withoutLoopbackPort(uri: string): string | null {
  const match = /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?((?:[/?].*)?)$/.exec(uri)
  return match === null ? null : `${match[1] ?? ''} ${match[2] ?? ''}`
}

/** What a person is shown of where they are sent: the host, or the scheme of an app. */
export function redirectHost(uri: string): string {
  const url = new URL(uri)
  return url.host === '' || !/^https?:$/.test(url.protocol) ? url.protocol.slice(0, -1) : url.host
}
