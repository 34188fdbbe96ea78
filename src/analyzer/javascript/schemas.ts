import type { Fact, VariableFact } from '../facts.ts'
import { CAPITALS, formatOf } from '../names.ts'
import type { Origin } from './origins.ts'
import type { Scope } from './scope.ts'
import { constant, texts } from './strings.ts'
import { bare, calleeName, child, children, identifier, keyOf, type Node, type Program } from './syntax.ts'
import { walk } from './walk.ts'

/** What a field of a zod, envalid, valibot or convict schema says. */
interface Field {
  readonly required: boolean
  readonly default: string | null
  readonly description: string | null
  readonly choices: readonly string[]
  readonly format: VariableFact['format'] | null
}

/**
 * Schemas of the environment: objects of a validation library whose keys are written like variables, and schemas with
 * other keys whose fields name the variable that they come from.
 */
export function readSchemas(
  programs: readonly Program[],
  originOf: (program: Program, offset: number) => Origin,
): readonly Fact[] {
  const facts: Fact[] = []
  for (const program of programs) {
    walk(program, (node, { scope }) => {
      if (node.type !== 'ObjectExpression' || originOf(program, node.start) === 'library') return
      const properties = children(node, 'properties').filter((property) => property.type === 'Property')
      const fields = properties.flatMap((property) => {
        const name = keyOf(property)
        const field = name === null ? null : fieldOf(child(property, 'value'), scope)
        return name === null || field === null ? [] : [{ name, field, property }]
      })
      const capitals = fields.filter(({ name }) => CAPITALS.test(name) && name.includes('_'))
      if (capitals.length === 0 || capitals.length < properties.length * 0.7) return
      for (const { name, field, property } of capitals) {
        facts.push({
          kind: 'variable',
          name,
          role: 'read',
          required: field.required,
          format: field.format ?? formatOf(name),
          ...(field.default === null ? {} : { default: field.default }),
          ...(field.description === null ? {} : { description: field.description }),
          ...(field.choices.length === 0 ? {} : { choices: field.choices }),
          evidence: { file: program.path, line: program.lineAt(property.start), reader: 'schema' },
        })
      }
    })
  }
  return facts
}

const MAKERS =
  /^(?:string|str|number|num|boolean|bool|enum|nativeEnum|literal|url|email|port|host|json|coerce|preprocess|union|any|unknown|object|array|record|optional|nullable|pipe|makeValidator|stringbool|int|transform)$/
const LOOSENING = new Set(['optional', 'nullish', 'default', 'catch', 'prefault', 'devDefault'])

/** Reads `z.string().url().optional().describe('…')` from its end to its start; null when it is no such chain. */
function fieldOf(value: Node | null, scope: Scope, depth = 0): Field | null {
  let node = bare(value)
  let required = true
  let fallback: string | null = null
  let description: string | null = null
  let choices: readonly string[] = []
  let format: Field['format'] = null
  let isSchema = false
  for (let steps = 0; node !== null && steps < 30; steps++) {
    if (node.type === 'Identifier') {
      if (isSchema) break
      // A field made elsewhere: const Port = z.coerce.number()
      const found = scope.find(identifier(node) ?? '')
      return found?.kind === 'variable' && found.key === null && depth < 3
        ? fieldOf(found.value, found.scope, depth + 1)
        : null
    }
    if (node.type === 'MemberExpression') {
      node = bare(child(node, 'object'))
      continue
    }
    if (node.type !== 'CallExpression') return null
    const name = calleeName(node) ?? ''
    const [first] = children(node, 'arguments')
    if (LOOSENING.has(name)) {
      required = false
      fallback ??= constant(first ?? null, scope)
      isSchema = true
    } else if (name === 'describe') description ??= constant(first ?? null, scope)
    else if (name === 'enum' || name === 'picklist') {
      choices = texts(first ?? null, scope)
      isSchema = true
    } else if (name === 'url') format = 'url'
    if (name === 'number' || name === 'num' || name === 'port' || name === 'int') format ??= 'number'
    if (name === 'boolean' || name === 'bool' || name === 'stringbool') format ??= 'boolean'
    if (MAKERS.test(name)) isSchema = true
    // envalid: str({ default: 'x', desc: 'y', choices: [] })
    if (first?.type === 'ObjectExpression') {
      for (const property of children(first, 'properties')) {
        const key = keyOf(property)
        if (key === 'default' || key === 'devDefault') {
          required = false
          fallback ??= constant(child(property, 'value'), scope)
        } else if (key === 'desc') description ??= constant(child(property, 'value'), scope)
        else if (key === 'choices') choices = texts(child(property, 'value'), scope)
      }
    }
    node = bare(child(node, 'callee'))
  }
  return isSchema ? { required, default: fallback, description, choices, format } : null
}
