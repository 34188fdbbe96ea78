import { z } from 'zod'
import type { JsonObject } from '../domain/index.ts'

const Filled = z.strictObject({
  name: z.string(),
  description: z.string().nullable(),
  helpUrl: z.string().nullable(),
  required: z.boolean().nullable(),
  file: z.string().nullable(),
  line: z.int().nullable(),
})

/** All that a model can say: facts about names that the files have already given. There is no place for a package. */
const Answer = z.strictObject({
  variables: z.array(Filled),
  arguments: z.array(z.strictObject({ name: z.string(), description: z.string().nullable() })),
  alternatives: z.array(z.strictObject({ oneOf: z.array(z.array(z.string())) })),
})

export type Answer = z.output<typeof Answer>

// Keywords beyond the shape are not understood by every provider; the shape itself is checked here anyway.
export const ANSWER_SCHEMA: JsonObject = withoutLimits(z.toJSONSchema(Answer))

function withoutLimits(schema: object): JsonObject {
  const dropped = new Set(['$schema', 'minimum', 'maximum'])
  // JSON in, JSON out.
  return JSON.parse(
    JSON.stringify(schema, (key, value: unknown) => (dropped.has(key) ? undefined : value)),
  ) as JsonObject
}

/** Reads an answer. A fence around the JSON, which some models add, is taken off. */
export function parseAnswer(text: string): { answer: Answer } | { problem: string } {
  const json = /^\s*```(?:json)?\s*\n([^]*?)\n```\s*$/.exec(text)?.[1] ?? text
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    return { problem: 'It is not JSON.' }
  }
  const parsed = Answer.safeParse(value)
  if (parsed.success) return { answer: parsed.data }
  const [issue] = parsed.error.issues
  return { problem: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'wrong form'}` }
}
