import type { JsonValue } from '../domain/index.ts'

const DEEPEST = 40
const END = Symbol('end')

/**
 * Reads JSON as people write it in documents: comments, trailing or missing commas, single quotes, bare keys, an
 * ellipsis, a member without the braces around. Null when there is no sense in it. Linear in the text's length.
 */
export function parseRelaxed(text: string): JsonValue | null {
  const trimmed = text.trim()
  const wrapped = /^["'\w.-]+\s*:/.test(trimmed) ? `{${trimmed}}` : trimmed
  const reader = new Reader(wrapped)
  const value = reader.value(0)
  return value === END ? null : value
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  value(depth: number): JsonValue | typeof END {
    if (depth > DEEPEST) return END
    this.#skip()
    const char = this.#text[this.#at]
    if (char === undefined) return END
    if (char === '{') return this.#object(depth)
    if (char === '[') return this.#list(depth)
    if (char === '"' || char === "'" || char === '`') return this.#string(char)
    const word = this.#word()
    if (word === '') return END
    if (word === 'true') return true
    if (word === 'false') return false
    if (word === 'null') return null
    const number = Number(word)
    return Number.isNaN(number) ? word : number
  }

  #object(depth: number): JsonValue | typeof END {
    const entries: [string, JsonValue][] = []
    this.#at++
    for (;;) {
      this.#skip()
      const char = this.#text[this.#at]
      if (char === undefined || char === '}') break
      const key = char === '"' || char === "'" || char === '`' ? this.#string(char) : this.#word()
      this.#skip()
      if (this.#text[this.#at] !== ':') {
        // Not a member: an ellipsis, or text that was never JSON.
        if (key === '') this.#at++
        continue
      }
      this.#at++
      const value = this.value(depth + 1)
      if (value === END) {
        // A value that cannot be read ends at the next comma or brace.
        if (this.#text[this.#at] === undefined) break
        if (this.#text[this.#at] !== '}') this.#at++
        continue
      }
      entries.push([key, value])
    }
    this.#at++
    return Object.fromEntries(entries)
  }

  #list(depth: number): JsonValue | typeof END {
    const items: JsonValue[] = []
    this.#at++
    for (;;) {
      this.#skip()
      const char = this.#text[this.#at]
      if (char === undefined || char === ']') break
      const before = this.#at
      const value = this.value(depth + 1)
      if (value !== END) items.push(value)
      if (this.#at === before) this.#at++
    }
    this.#at++
    return items
  }

  #string(quote: string): string {
    let result = ''
    this.#at++
    for (;;) {
      const char = this.#text[this.#at++]
      if (char === undefined || char === quote || (char === '\n' && quote !== '`')) break
      if (char !== '\\') {
        result += char
        continue
      }
      const escaped = this.#text[this.#at++] ?? ''
      if (escaped === 'u') {
        result += String.fromCharCode(Number.parseInt(this.#text.slice(this.#at, this.#at + 4), 16) || 0xfffd)
        this.#at += 4
      } else result += { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f' }[escaped] ?? escaped
    }
    return result
  }

  #word(): string {
    const from = this.#at
    while (/[^\s,:{}[\]"'`]/.test(this.#text[this.#at] ?? ' ')) this.#at++
    return this.#text.slice(from, this.#at)
  }

  /** White space, commas, comments and ellipses. */
  #skip(): void {
    for (;;) {
      const char = this.#text[this.#at]
      if (char === undefined) return
      if (/[\s,;…]/.test(char)) this.#at++
      else if (this.#text.startsWith('...', this.#at)) this.#at += 3
      else if (this.#text.startsWith('//', this.#at) || char === '#') this.#until('\n')
      else if (this.#text.startsWith('/*', this.#at)) this.#until('*/')
      else return
    }
  }

  #until(end: string): void {
    const found = this.#text.indexOf(end, this.#at)
    this.#at = found === -1 ? this.#text.length : found + end.length
  }
}
