import type { Bundle, BundleField } from './manifest.ts'
import { fillText, isWhole, keysOf, parseText, type BundlePlaces, type BundleText } from './text.ts'

/** What a bundle adds to a command line. */
export interface BundleStart {
  readonly args: readonly string[]
  readonly environment: ReadonlyMap<string, string>
  /** Variables that only stand for values in texts; the server does not get them. */
  readonly hidden: ReadonlySet<string>
}

/**
 * How a bundle is started with the values that were given. A text that depends on a value which nobody gave and which has
 * no default is left out, and so is the flag before it.
 * @param given by the names of variables; of a field that takes several a JSON list, or one a line
 */
export function startBundle(
  { args, environment, fields }: Bundle,
  given: ReadonlyMap<string, string>,
  places: BundlePlaces,
): BundleStart {
  const values = new Map(
    fields.flatMap((field) => {
      const value = valuesOf(field, given.get(field.variable), places)
      return value === null ? [] : [[field.key, value] as const]
    }),
  )
  const asked = new Set(fields.map(({ variable }) => variable))
  return {
    args: argumentsOf(args, values, places),
    environment: new Map(
      [...environment].flatMap(([name, text]) => {
        // What the bundle itself sets may be set otherwise.
        if (given.has(name) && !asked.has(name)) return []
        const value = fillText(text, values, places)
        return value === null || value === '' ? [] : [[name, value] as const]
      }),
    ),
    hidden: new Set(fields.filter(({ isOwn }) => !isOwn).map(({ variable }) => variable)),
  }
}

function argumentsOf(
  args: readonly BundleText[],
  values: ReadonlyMap<string, readonly string[]>,
  places: BundlePlaces,
): readonly string[] {
  const words: string[] = []
  for (const [index, text] of args.entries()) {
    const [key] = keysOf(text)
    const several = key !== undefined && isWhole(text, key) ? values.get(key) : undefined
    const filled = several ?? fillText(text, values, places)
    if (filled === null) {
      const [before, ...more] = args[index - 1] ?? []
      if (typeof before === 'string' && more.length === 0 && /^--?[A-Za-z][\w-]*$/.test(before)) words.pop()
    } else words.push(...(typeof filled === 'string' ? [filled] : filled))
  }
  return words
}

function valuesOf(
  { type, multiple, default: standard }: BundleField,
  given: string | undefined,
  places: BundlePlaces,
): readonly string[] | null {
  const isPath = type === 'directory' || type === 'file'
  const inPlace = (text: string): string =>
    isPath ? (fillText(parseText(text), new Map(), places) ?? text) : text
  if (given === undefined || given === '') {
    return standard?.map((text) => fillText(parseText(text), new Map(), places) ?? text) ?? null
  }
  return (multiple ? listOf(given) : [given]).map(inPlace)
}

function listOf(text: string): readonly string[] {
  try {
    const list: unknown = JSON.parse(text)
    if (Array.isArray(list)) return list.map(String)
  } catch {
    // Not JSON: one a line.
  }
  return text.split(/\r?\n/).flatMap((line) => (line.trim() === '' ? [] : [line.trim()]))
}
