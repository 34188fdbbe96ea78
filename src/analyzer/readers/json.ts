import type { JsonValue } from '../../domain/index.ts'

export type Fields = Readonly<Record<string, JsonValue>>

/** Null for what is no JSON. */
export function parseJson(text: string | null): JsonValue | null {
  if (text === null) return null
  try {
    return JSON.parse(text.replace(/^\uFEFF/, '')) as JsonValue
  } catch {
    return null
  }
}

export function recordOf(value: JsonValue | undefined | null): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null
}

export function records(value: JsonValue | undefined): readonly Fields[] {
  if (!Array.isArray(value)) return []
  return value.map((item: JsonValue) => recordOf(item)).filter((item) => item !== null)
}

/** A text that is not empty; numbers and booleans as text. */
export function stringOf(value: JsonValue | undefined | null): string | null {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return typeof value === 'string' && value !== '' ? value : null
}

/** The line on which a word stands first, from 1. */
export function lineOf(text: string, word: string): number {
  const at = text.indexOf(word)
  if (at === -1) return 1
  let line = 1
  for (let i = text.indexOf('\n'); i !== -1 && i < at; i = text.indexOf('\n', i + 1)) line++
  return line
}

/** The texts of a list; anything else is left out. */
export function texts(value: JsonValue | undefined): readonly string[] {
  if (!Array.isArray(value)) return []
  return value.map((item: JsonValue) => stringOf(item)).filter((item) => item !== null)
}
