import { z } from 'zod'
import type { Route } from '../contract/index.ts'
import { CatwalkError } from '../domain/index.ts'

/** Names in an address: ids and slugs. */
const Params = z.record(
  z.string(),
  z.string().regex(/^[\w-]{1,128}$/, 'Letters, digits, hyphens and underscores; 128 at most'),
)

export interface RawInput {
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  readonly body: unknown
}

export interface LooseInput {
  readonly params: Readonly<Record<string, string>>
  readonly query?: unknown
  readonly body?: unknown
}

/**
 * The input of a route, checked against the contract.
 * @throws CatwalkError `invalid_request` naming the first wrong field; `details.problems` has all of them
 */
export function parseInput(route: Pick<Route, 'query' | 'body'>, raw: RawInput): LooseInput {
  return {
    params: parse(Params, raw.params),
    ...(route.query ? { query: parse(route.query, raw.query) } : {}),
    ...(route.body ? { body: parse(route.body, raw.body) } : {}),
  }
}

function parse<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const parsed = schema.safeParse(value, { error: inPlainWords })
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map((issue) => ({
    field: fieldOf(issue.path),
    message: issue.message,
  }))
  const [first] = problems
  const field = first?.field ?? ''
  const what = field === '' ? 'The body' : `Field '${field}'`
  throw new CatwalkError('invalid_request', `${what} is not valid: ${first?.message ?? 'wrong form'}.`, {
    details: { field, problems },
  })
}

function fieldOf(path: readonly PropertyKey[]): string {
  return path.map(String).join('.')
}

/** Words for what a schema does not explain itself. Never shows the value: it may be a secret. */
function inPlainWords(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'it is missing' : `it must be ${withArticle(issue.expected)}`
    case 'too_small':
      return `at least ${String(issue.minimum)} ${unitOf(issue.origin)}`.trim()
    case 'too_big':
      return `at most ${String(issue.maximum)} ${unitOf(issue.origin)}`.trim()
    case 'unrecognized_keys':
      return `unknown ${issue.keys.length === 1 ? 'field' : 'fields'} ${issue.keys.slice(0, 5).join(', ')}`
    case 'invalid_value':
      return `one of ${issue.values.map(String).join(', ')}`
    case 'invalid_format':
      return issue.format === 'email' ? 'not an email address' : undefined
    case 'not_multiple_of':
    case 'invalid_union':
    case 'invalid_key':
    case 'invalid_element':
    case 'custom':
      break
  }
  return undefined
}

function unitOf(origin: string): string {
  if (origin === 'string') return 'characters'
  return origin === 'array' ? 'items' : ''
}

function withArticle(type: string): string {
  switch (type) {
    case 'int':
      return 'a whole number'
    case 'record':
    case 'object':
      return 'an object'
    case 'array':
      return 'a list'
    case 'null':
      return 'null'
    default:
      return `a ${type}`
  }
}
