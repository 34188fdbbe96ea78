import type { Scope } from './scope.ts'
import { templateParts, texts } from './strings.ts'
import { bare, calleeName, child, identifier, isFunction, keyOf, type Node } from './syntax.ts'

/** A function that takes a variable's name and gives its value. */
export interface Helper {
  readonly index: number
  /** Makes the names that are read from the one that was handed in. */
  readonly names: (handedIn: string) => readonly string[]
  /** It throws or ends the program when there is no value. */
  readonly demands: boolean
}

/** How a name is made from a function's parameter. */
export interface Shape {
  readonly owner: Node
  readonly index: number
  readonly names: Helper['names']
}

const GETTERS =
  /^(?:get|read|load|env|require|fetch|must|opt|config|string|bool|int|num|parse|resolve|lookup|from)/i

/** Follows the key of a computed read back to a parameter, through templates, concatenations and changes of case. */
export function shapeOf(key: Node | null, scope: Scope, depth = 0): Shape | null {
  if (key === null || depth > 8) return null
  if (key.type === 'Identifier') {
    const found = scope.find(identifier(key) ?? '')
    if (found?.kind === 'parameter' && found.owner !== null && found.key === null) {
      return { owner: found.owner, index: found.index, names: (text) => [text] }
    }
    if (found?.kind === 'variable' && found.key === null)
      return shapeOf(bare(found.value), found.scope, depth + 1)
    return null
  }
  if (key.type === 'CallExpression') return changed(key, scope, depth)
  return joined(key, scope, depth)
}

function changed(call: Node, scope: Scope, depth: number): Shape | null {
  const inner = shapeOf(bare(child(bare(child(call, 'callee')), 'object')), scope, depth + 1)
  if (inner === null) return null
  const through = (change: (text: string) => string): Shape => ({
    ...inner,
    names: (text) => inner.names(text).map(change),
  })
  switch (calleeName(call) ?? '') {
    case 'toUpperCase':
      return through((text) => text.toUpperCase())
    case 'toLowerCase':
      return through((text) => text.toLowerCase())
    case 'trim':
      return inner
    case 'replace':
    case 'replaceAll':
      return through(toSnake)
    default:
      return null
  }
}

function joined(key: Node, scope: Scope, depth: number): Shape | null {
  const parts =
    key.type === 'TemplateLiteral'
      ? templateParts(key)
      : key.type === 'BinaryExpression' && key['operator'] === '+'
        ? [child(key, 'left'), child(key, 'right')].filter((part) => part !== null)
        : []
  let found: Shape | null = null
  const makers: Helper['names'][] = []
  for (const part of parts) {
    const fixed = typeof part === 'string' ? [part] : texts(part, scope)
    if (fixed.length > 0) {
      makers.push(() => fixed)
      continue
    }
    const shape = typeof part === 'string' ? null : shapeOf(bare(part), scope, depth + 1)
    if (shape === null || (found !== null && found.owner !== shape.owner)) return null
    found = shape
    makers.push(shape.names)
  }
  if (found === null) return null
  const names = (text: string): readonly string[] =>
    makers.reduce<readonly string[]>(
      (starts, make) => starts.flatMap((start) => make(text).map((end) => start + end)).slice(0, 100),
      [''],
    )
  return { ...found, names }
}

/** What code that replaces in a name is nearly always after: `apiKey` and `api-key` become `api_key`. */
function toSnake(text: string): string {
  return text.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').replaceAll(/[-.\s]/g, '_')
}

/** The function that a callee names in the same program, or null. */
export function functionOf(callee: Node | null, scope: Scope): Node | null {
  const value = bare(callee)
  if (isFunction(value)) return value
  const name = identifier(value)
  if (name === null) return null
  const found = scope.find(name)
  if (found?.kind === 'function') return found.value
  const made = bare(found?.kind === 'variable' && found.key === null ? found.value : null)
  return isFunction(made) ? made : null
}

/** The name by which other files call a function; null for one that is too common to be known by its name. */
export function nameOfHelper(owner: Node, parents: readonly Node[]): string | null {
  const own = identifier(child(owner, 'id'))
  if (own !== null) return own
  const holder = parents[parents.indexOf(owner) - 1]
  if (holder === undefined) return null
  switch (holder.type) {
    case 'VariableDeclarator':
      return getter(identifier(child(holder, 'id')))
    case 'MethodDefinition':
    case 'Property':
    case 'PropertyDefinition':
      return getter(keyOf(holder))
    default:
      return null
  }
}

function getter(name: string | null): string | null {
  return name !== null && GETTERS.test(name) ? name : null
}
