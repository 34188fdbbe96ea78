import { CUT_MARK } from './cut-text.ts'

/** Replaces every secret value in a text by the name of its variable. */
export type Redactor = (text: string) => string

// Shorter values ("1", "true", a port) occur everywhere; replacing them would hide the log, not the secret.
const SHORTEST = 6
// The same for a part of a value that is a document: its lines, what is in its members.
const SHORTEST_PART = 8
// What is left of a value where a line was cut.
const SHORTEST_REST = 4
// Of a document; each line of output is compared with all of it.
const MOST_TEXTS = 100
const MOST_LINES = 500

/**
 * Makes a redactor for the values of one release. Covers each value as it is, escaped in JSON, URL-encoded, and in
 * base64 at any offset, as in `Authorization: Basic`, which is how programs print what they send. Output is read line by
 * line, so the lines of a value that has several count each for itself, and so do the texts in a JSON document. Where
 * a line was cut within a value, what is left of it goes too.
 */
export function createRedactor(values: ReadonlyMap<string, string>): Redactor {
  const names = new Map<string, string>()
  for (const [name, value] of values) {
    for (const form of everyFormOf(value)) if (!names.has(form)) names.set(form, name)
  }
  if (names.size === 0) return (text) => text
  // Longest first, so that a value which contains another is replaced whole.
  const forms = [...names.keys()].toSorted((a, b) => b.length - a.length)
  const pattern = new RegExp(forms.map((form) => RegExp.escape(form)).join('|'), 'g')
  const shown = (form: string) => `[redacted ${names.get(form) ?? ''}]`
  return (text) => {
    const redacted = text.replaceAll(pattern, shown)
    return redacted.endsWith(CUT_MARK) ? withoutRest(redacted, forms, shown) : redacted
  }
}

/** All that a program may print of a value. */
function everyFormOf(value: string): readonly string[] {
  const texts = textsIn(value).slice(0, MOST_TEXTS)
  const lines = [value, ...texts].flatMap((text) => text.split(/\r?\n/)).slice(0, MOST_LINES)
  return [
    ...(value.length < SHORTEST ? [] : formsOf(value)),
    ...texts.filter(isLong).flatMap((text) => [...formsOf(text)]),
    ...lines.map((line) => line.trim()).filter(isLong),
  ]
}

function isLong(part: string): boolean {
  return part.length >= SHORTEST_PART
}

/** The texts in a JSON document, however deep; none in anything else. */
function textsIn(value: string): readonly string[] {
  if (!/^\s*[[{]/.test(value)) return []
  const found: string[] = []
  const open: unknown[] = []
  try {
    open.push(JSON.parse(value))
  } catch {
    return []
  }
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next === 'string') found.push(next)
    else if (typeof next === 'object' && next !== null) {
      const inner: readonly unknown[] = Object.values(next)
      for (const one of inner) open.push(one)
    }
  }
  return found
}

function formsOf(value: string): ReadonlySet<string> {
  const encoded = encodeURIComponent(value.toWellFormed())
  return new Set(
    [
      value,
      JSON.stringify(value).slice(1, -1),
      encoded,
      encoded.replaceAll('%2F', '/'),
      encoded.replaceAll(/%[\dA-F]{2}/g, (escape) => escape.toLowerCase()),
      new URLSearchParams([['', value]]).toString().slice(1),
      ...[0, 1, 2].flatMap((offset) => [base64(value, offset, 'base64'), base64(value, offset, 'base64url')]),
    ].filter((form) => form.length >= SHORTEST),
  )
}

/** The letters that stand for nothing but the value, whatever bytes are before it (so many, modulo 3) and after it. */
function base64(value: string, offset: number, encoding: 'base64' | 'base64url'): string {
  const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(value)])
  const letters = bytes.toString(encoding).replaceAll('=', '')
  return letters.slice(Math.ceil((offset * 8) / 6), Math.floor((bytes.length * 8) / 6))
}

/** Takes away the beginning of a value at the end of a line that was cut. */
function withoutRest(text: string, forms: readonly string[], shown: (form: string) => string): string {
  const line = text.slice(0, -CUT_MARK.length)
  for (const form of forms) {
    for (let length = Math.min(form.length - 1, line.length); length >= SHORTEST_REST; length -= 1) {
      if (line.endsWith(form.slice(0, length))) return `${line.slice(0, -length)}${shown(form)}${CUT_MARK}`
    }
  }
  return text
}
