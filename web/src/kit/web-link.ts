/** A link out of what a package says of itself: http(s) only, `git+https` and `.git` read as the page. */
export function webLink(text: string): { readonly href: string; readonly label: string } | null {
  const plain = text
    .trim()
    .replace(/^git\+/, '')
    .replace(/\.git(?=#|$)/, '')
  if (!URL.canParse(plain)) return null
  const url = new URL(plain)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return null
  url.username = ''
  url.password = ''
  return { href: url.href, label: `${url.host}${url.pathname}`.replace(/\/$/, '') }
}
