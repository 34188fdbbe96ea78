/** The names and hashes that a git server offers. */
export interface GitRefs {
  /** Where the default branch stands; null for an empty repository. */
  readonly head: string | null
  /** Full name to commit; a tag with a message of its own leads to the commit that it marks. */
  readonly refs: ReadonlyMap<string, string>
}

const LINE = /^([0-9a-f]{40}|[0-9a-f]{64}) ([^\0\n]+)/

/**
 * Reads the answer to `info/refs?service=git-upload-pack` in version 0 of the protocol (gitprotocol-http, "Smart Server
 * Response"). Null when it is no such answer.
 */
export function parseGitRefs(answer: Buffer): GitRefs | null {
  const lines = packetLines(answer)
  if (lines?.[0] !== '# service=git-upload-pack') return null
  const refs = new Map<string, string>()
  for (const line of lines.slice(1)) {
    const [, hash, name] = LINE.exec(line) ?? []
    if (hash === undefined || name === undefined) continue
    // The line with ^{} comes right after the tag itself.
    refs.set(name.replace(/\^\{\}$/, ''), hash)
  }
  return { head: refs.get('HEAD') ?? null, refs }
}

/** The commit of a branch, a tag or a hash (its beginning is enough where a branch or tag is there); null for none. */
export function commitOfRef({ head, refs }: GitRefs, ref: string | null): string | null {
  if (ref === null) return head
  const named = refs.get(`refs/heads/${ref}`) ?? refs.get(`refs/tags/${ref}`) ?? refs.get(ref)
  if (named !== undefined) return named
  if (/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(ref)) return ref
  if (!/^[0-9a-f]{7,}$/.test(ref)) return null
  const matching = new Set([...refs.values()].filter((hash) => hash.startsWith(ref)))
  const [only] = matching
  return matching.size === 1 ? (only ?? null) : null
}

/** Each line without its length and line feed; null when the lengths are wrong. */
function packetLines(answer: Buffer): string[] | null {
  const lines: string[] = []
  for (let at = 0; at < answer.length;) {
    const digits = answer.toString('latin1', at, at + 4)
    if (!/^[0-9a-f]{4}$/.test(digits)) return null
    const length = Number.parseInt(digits, 16)
    if (length >= 4) lines.push(answer.toString('utf8', at + 4, at + length).replace(/\n$/, ''))
    at += Math.max(4, length)
  }
  return lines
}
