/** Says which words of a model are backed by the files that it was given. */
export interface Proof {
  /** Whether a text names no package, command, image, file or host that the files do not name. */
  text(text: string): boolean
  /** The link as it may be shown, null when its host is not in the files. */
  link(url: string): string | null
}

const LONGEST_TEXT = 300
const URLS = /\bhttps?:\/\/[^\s"'<>()[\]`\\]+/gi
/** Words with a dot, slash, at sign or colon inside: hosts, scoped packages, images, paths, e-mail addresses. */
const COMPOUND = /[@\w][\w.@/:~+-]*[./@:][\w.@/:~+-]*\w/g
const CODE = /`([^`]+)`/g
/** What is told to be run or installed is a name, whatever it looks like. */
const TOLD =
  /\b(?:install|add|run|execute|exec|download|pull|fetch|clone|npx|bunx|uvx|pipx?|npm|pnpm|yarn|bun|uv|deno|docker|podman|curl|wget|sudo|bash|sh|node|python3?|go|cargo|brew|apt(?:-get)?)\s+(?:[-\w]+\s+)??(?:--?[\w-]+\s+)*["'`]?([@\w][\w.@/:~+-]*)/gi
const ORDINARY =
  /^(?:a|an|the|this|that|it|its|your|on|in|to|with|without|from|by|for|as|is|are|of|at|and|or|mode|server|locally|when|only|time|tests?|queries|commands?|tools?|actions?)$/i

/**
 * @param files texts that the model was shown
 * @param own names of the server itself: nothing else may be told to be installed or run, not even what a file names
 */
export function createProof(files: readonly string[], own: readonly string[]): Proof {
  const corpus = files.join('\n').toLowerCase()
  const hosts = new Set(
    Array.from(corpus.matchAll(URLS), ([url]) => URL.parse(url)?.host).filter((host) => host !== undefined),
  )
  const known = (word: string) => corpus.includes(word.toLowerCase())
  const link = (text: string): string | null => {
    const url = URL.parse(text)
    if (url === null || url.protocol !== 'https:' || url.username !== '' || url.password !== '') return null
    return hosts.has(url.host) ? url.href : null
  }
  return {
    link,
    text(text) {
      if (text.length > LONGEST_TEXT || !/^[\P{Cc}]+$/u.test(text)) return false
      if (Array.from(text.matchAll(URLS)).some(([url]) => link(url.replace(/[.,;:!?]+$/, '')) === null))
        return false
      const rest = text.replaceAll(URLS, ' ')
      const words = [
        ...Array.from(rest.matchAll(COMPOUND), ([word]) => word),
        ...Array.from(rest.matchAll(CODE), ([, code]) => code ?? ''),
      ]
      const told = Array.from(rest.matchAll(TOLD), ([, word]) => word ?? '')
      return words.every(known) && told.every((word) => ORDINARY.test(word) || own.includes(word))
    },
  }
}
