import type { JsonObject } from '../domain/index.ts'

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** JSON as letters, one character a byte: what goes into a message with `splice`. */
export function letters(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('latin1')
}
