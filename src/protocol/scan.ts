import { isUtf8 } from 'node:buffer'
import {
  ENVELOPE,
  emptyEnvelope,
  type Draft,
  type Envelope,
  type Member,
  type MemberTable,
  type Span,
} from './envelope.ts'

export interface ScanOptions {
  /** Objects and arrays within one another. */
  readonly maxDepth: number
  /**
   * The text comes from our own server process: its encoding and the inside of long strings are not checked, so that
   * results of megabytes cost next to nothing. The structure is checked all the same.
   */
  readonly trusted: boolean
  /** Offsets before which something is missing: refused unless all of them are inside of strings. See `Skeleton`. */
  readonly gaps?: readonly { readonly at: number }[]
}

export type ScanFault = 'not_json' | 'not_utf8' | 'too_deep' | 'duplicate' | 'not_a_message'

export class ScanError extends Error {
  readonly fault: ScanFault

  constructor(fault: ScanFault, message: string) {
    super(message)
    this.name = 'ScanError'
    this.fault = fault
  }
}

const SPACE = 0x20
const TAB = 0x09
const LF = 0x0a
const CR = 0x0d
const QUOTE = 0x22
const COMMA = 0x2c
const MINUS = 0x2d
const DOT = 0x2e
const ZERO = 0x30
const NINE = 0x39
const COLON = 0x3a
const OPEN_ARRAY = 0x5b
const BACKSLASH = 0x5c
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const LITERALS: ReadonlyMap<number, string> = new Map(
  ['true', 'false', 'null'].map((word) => [word.charCodeAt(0), word]),
)
/** From this length on a trusted string is skipped by a search for its end. */
const LONG_STRING = 64

const NO_GAPS: readonly never[] = []

/** What may follow a backslash; `u` is looked at on its own. */
const isEscape = new Uint8Array(256)
for (const character of '"\\/bfnrt') isEscape[character.charCodeAt(0)] = 1
/** Bytes of a string that mean only themselves; the multi-byte characters were checked as a whole. */
const isPlain = new Uint8Array(256).fill(1, SPACE)
isPlain[QUOTE] = 0
isPlain[BACKSLASH] = 0
const isHex = new Uint8Array(256)
for (const character of '0123456789abcdefABCDEF') isHex[character.charCodeAt(0)] = 1

/**
 * One lexical pass over a JSON-RPC message, or over an array of them (a batch of revision 2025-03-26).
 *
 * Afterwards `bytes` holds exactly one balanced JSON value and no line break: CR and LF between tokens were replaced by
 * spaces in place, because a message on stdio is one line. A member that the bridge reads must not occur twice, nor
 * under a name spelt with escapes: the server might read another one than we did.
 * @throws ScanError
 */
export function scan(bytes: Buffer, options: ScanOptions): Envelope | readonly Envelope[] {
  if (!options.trusted && !isUtf8(bytes)) throw new ScanError('not_utf8', 'The text is not valid UTF-8.')
  return new Scanner(bytes, options).message()
}

/** Where a member's value is, and where its name begins. */
export interface MemberSpan extends Span {
  readonly from: number
}

/**
 * The values of an object's own members, by name.
 * @param object its span in bytes that were scanned already
 * @throws ScanError `duplicate`
 */
export function membersOf(bytes: Buffer, object: Span): Map<string, MemberSpan> {
  return new Scanner(bytes, { maxDepth: Infinity, trusted: false }).members(object)
}

class Scanner {
  readonly #bytes: Buffer
  readonly #maxDepth: number
  readonly #trusted: boolean
  readonly #gaps: readonly { readonly at: number }[]
  #gapsSeen = 0
  #at = 0
  #depth = 0

  constructor(bytes: Buffer, options: ScanOptions) {
    this.#bytes = bytes
    this.#maxDepth = options.maxDepth
    this.#trusted = options.trusted
    this.#gaps = options.gaps ?? NO_GAPS
  }

  message(): Envelope | readonly Envelope[] {
    this.#space()
    const batch = this.#bytes[this.#at] === OPEN_ARRAY
    const found = batch ? this.#batch() : this.#envelope()
    this.#space()
    if (this.#at !== this.#bytes.length || this.#gapsSeen < this.#gaps.length) throw this.#unexpected()
    return found
  }

  members(object: Span): Map<string, MemberSpan> {
    const found = new Map<string, MemberSpan>()
    this.#at = object.start + 1
    for (;;) {
      this.#space()
      if (this.#bytes[this.#at] === COMMA) this.#at++
      else if (this.#bytes[this.#at] === CLOSE_OBJECT) return found
      else {
        const start = this.#at
        this.#string()
        const name = unquote(this.#bytes.toString('utf8', start, this.#at))
        this.#space()
        this.#at++
        this.#space()
        const value = this.#at
        this.#value()
        if (found.has(name))
          throw new ScanError('duplicate', `The member ${JSON.stringify(name)} occurs twice.`)
        found.set(name, { from: start, start: value, end: this.#at })
      }
    }
  }

  #batch(): Envelope[] {
    const envelopes: Envelope[] = []
    this.#enter()
    this.#space()
    if (this.#bytes[this.#at] === CLOSE_ARRAY) throw new ScanError('not_a_message', 'The batch is empty.')
    for (;;) {
      this.#space()
      envelopes.push(this.#envelope())
      if (this.#endsAfterItem(CLOSE_ARRAY)) return envelopes
    }
  }

  #envelope(): Envelope {
    if (this.#bytes[this.#at] !== OPEN_OBJECT) {
      // Anything else may still be JSON, which the caller is told apart from rubbish.
      this.#value()
      throw new ScanError('not_a_message', 'A JSON-RPC message is an object.')
    }
    const draft = emptyEnvelope(this.#at)
    this.#object(ENVELOPE, draft)
    draft.end = this.#at
    return draft
  }

  #object(members: MemberTable | null, draft: Draft | null): void {
    this.#enter()
    this.#space()
    if (this.#bytes[this.#at] === CLOSE_OBJECT) return this.#leave()
    for (;;) {
      this.#space()
      const member = this.#name(members)
      this.#space()
      if (this.#bytes[this.#at] !== COLON) throw this.#unexpected()
      this.#at++
      this.#space()
      const start = this.#at
      if (member === null || draft === null) this.#value()
      else {
        if (draft[member.field] !== null) {
          throw new ScanError('duplicate', `The member "${member.name}" occurs twice.`)
        }
        if (member.inside !== null && this.#bytes[start] === OPEN_OBJECT) this.#object(member.inside, draft)
        else this.#value()
        draft[member.field] = { start, end: this.#at }
      }
      if (this.#endsAfterItem(CLOSE_OBJECT)) return
    }
  }

  /** Reads a member's name; the table's entry for it, if there is one. */
  #name(members: MemberTable | null): Member | null {
    if (this.#bytes[this.#at] !== QUOTE) throw this.#unexpected()
    const start = this.#at + 1
    const escaped = this.#string()
    if (members === null) return null
    const end = this.#at - 1
    if (escaped) {
      const hidden = this.#bytes.toString('utf8', start - 1, end + 1)
      const decoded = unquote(hidden)
      if (members.get(decoded.length)?.some((member) => member.name === decoded) === true) {
        throw new ScanError('duplicate', `The member "${decoded}" is spelt with escapes.`)
      }
      return null
    }
    const candidates = members.get(end - start)
    if (candidates === undefined) return null
    for (const member of candidates) if (this.#reads(member.name, start)) return member
    return null
  }

  #reads(text: string, start: number): boolean {
    for (let i = 0; i < text.length; i++) if (this.#bytes[start + i] !== text.charCodeAt(i)) return false
    return true
  }

  #value(): void {
    const byte = this.#bytes[this.#at]
    if (byte === QUOTE) this.#string()
    else if (byte === OPEN_OBJECT) this.#object(null, null)
    else if (byte === OPEN_ARRAY) this.#array()
    else if (byte === MINUS || isDigit(byte)) this.#number()
    else this.#literal()
  }

  #array(): void {
    this.#enter()
    this.#space()
    if (this.#bytes[this.#at] === CLOSE_ARRAY) return this.#leave()
    for (;;) {
      this.#space()
      this.#value()
      if (this.#endsAfterItem(CLOSE_ARRAY)) return
    }
  }

  /** After an item: true at the closing bracket, false at a comma. */
  #endsAfterItem(close: number): boolean {
    this.#space()
    const byte = this.#bytes[this.#at]
    if (byte === COMMA) {
      this.#at++
      return false
    }
    if (byte !== close) throw this.#unexpected()
    this.#leave()
    return true
  }

  /** Leaves the position behind the closing quote. Returns whether there was a backslash. */
  #string(): boolean {
    const bytes = this.#bytes
    let at = this.#at + 1
    const stop = this.#trusted ? Math.min(at + LONG_STRING, bytes.length) : bytes.length
    let escaped = false
    for (;;) {
      while (at < stop && isPlain[bytes[at] ?? 0] === 1) at++
      if (bytes[at] === QUOTE) break
      if (bytes[at] === BACKSLASH) {
        escaped = true
        at = this.#escape(at)
      } else if (at < stop || at >= bytes.length) {
        this.#at = at
        throw this.#unexpected()
      }
      if (at >= stop) {
        at = this.#closingQuote(at)
        break
      }
    }
    if (this.#gapsSeen < this.#gaps.length) this.#passGaps(this.#at, at)
    this.#at = at + 1
    return escaped
  }

  /** Whatever is missing up to the end of a string must be missing within it. */
  #passGaps(open: number, close: number): void {
    for (;;) {
      const gap = this.#gaps[this.#gapsSeen]
      if (gap === undefined || gap.at > close) return
      if (gap.at <= open) throw this.#unexpected()
      this.#gapsSeen++
    }
  }

  #escape(at: number): number {
    const letter = this.#bytes[at + 1]
    if (letter !== undefined && isEscape[letter] === 1) return at + 2
    if (letter === 0x75) {
      for (let i = at + 2; i < at + 6; i++) {
        const digit = this.#bytes[i]
        if (digit === undefined || isHex[digit] !== 1) {
          this.#at = i
          throw this.#unexpected()
        }
      }
      return at + 6
    }
    this.#at = at + 1
    throw this.#unexpected()
  }

  /** The next quote from `from` on that no backslash escapes. `from` itself is not in the middle of an escape. */
  #closingQuote(from: number): number {
    let search = from
    for (;;) {
      const quote = this.#bytes.indexOf(QUOTE, search)
      if (quote === -1) {
        this.#at = this.#bytes.length
        throw this.#unexpected()
      }
      let backslashes = quote
      while (backslashes > from && this.#bytes[backslashes - 1] === BACKSLASH) backslashes--
      if ((quote - backslashes) % 2 === 0) return quote
      search = quote + 1
    }
  }

  #number(): void {
    if (this.#bytes[this.#at] === MINUS) this.#at++
    if (this.#bytes[this.#at] === ZERO) this.#at++
    else this.#digits()
    if (this.#bytes[this.#at] === DOT) {
      this.#at++
      this.#digits()
    }
    const exponent = this.#bytes[this.#at]
    if (exponent === 0x65 || exponent === 0x45) {
      this.#at++
      const sign = this.#bytes[this.#at]
      if (sign === 0x2b || sign === MINUS) this.#at++
      this.#digits()
    }
  }

  #digits(): void {
    if (!isDigit(this.#bytes[this.#at])) throw this.#unexpected()
    while (isDigit(this.#bytes[this.#at])) this.#at++
  }

  #literal(): void {
    const word = LITERALS.get(this.#bytes[this.#at] ?? 0)
    if (word === undefined || !this.#reads(word, this.#at)) throw this.#unexpected()
    this.#at += word.length
  }

  #space(): void {
    const bytes = this.#bytes
    for (;;) {
      const byte = bytes[this.#at]
      if (byte === LF || byte === CR) bytes[this.#at] = SPACE
      else if (byte !== SPACE && byte !== TAB) return
      this.#at++
    }
  }

  #enter(): void {
    this.#at++
    if (++this.#depth > this.#maxDepth) {
      throw new ScanError('too_deep', `Objects and arrays are nested more than ${this.#maxDepth} deep.`)
    }
  }

  #leave(): void {
    this.#at++
    this.#depth--
  }

  #unexpected(): ScanError {
    const where = this.#at >= this.#bytes.length ? 'ends too early' : `is not JSON at byte ${this.#at}`
    return new ScanError('not_json', `The text ${where}.`)
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE
}

/** The value of a JSON string that was scanned already. */
export function unquote(quoted: string): string {
  // A scanned string is valid JSON, and the value of a JSON string is a string.
  return JSON.parse(quoted) as string
}
