import { failsHere } from './failing.ts'
import { ALWAYS, both, either, given, type Presence } from './presence.ts'
import type { Helper } from './helpers.ts'
import type { Scope } from './scope.ts'
import { templateParts, texts } from './strings.ts'
import { bare, child, children, identifier, memberName, type Node } from './syntax.ts'

/** What the reader of conditions asks of the reader of the environment. */
export interface Knowledge {
  readonly isEnvironment: (node: Node | null, scope: Scope) => boolean
  /** Names that an expression reads, or null when it is no read. */
  readonly namesRead: (node: Node | null, scope: Scope) => readonly string[] | null
  readonly helperOf: (call: Node, scope: Scope) => Helper | null
  /** What must be given so that a call returns something; null when nobody can tell. */
  readonly presenceOfCall: (call: Node, scope: Scope) => Presence | null
  /** Values that properties of a name are given anywhere. */
  readonly properties: ReadonlyMap<string, readonly { readonly node: Node; readonly scope: Scope }[]>
}

const DEEPEST = 8

/** What must be given so that an expression has a value; null when nobody can tell. */
export function presenceOf(
  node: Node | null,
  scope: Scope,
  knowledge: Knowledge,
  depth = 0,
): Presence | null {
  const value = bare(node)
  if (value === null || depth > DEEPEST) return null
  const again = (next: Node | null, from: Scope = scope): Presence | null =>
    presenceOf(next, from, knowledge, depth + 1)
  const names = knowledge.namesRead(value, scope)
  if (names !== null) return names.length > 0 ? either(...names.map(given)) : null
  switch (value.type) {
    case 'Literal':
      return value['value'] === '' || value['value'] === null ? [] : ALWAYS
    case 'TemplateLiteral': {
      const parts = templateParts(value).filter((part) => typeof part !== 'string')
      return parts.length === 1 ? again(parts[0] ?? null) : null
    }
    case 'UnaryExpression': {
      // !!process.env.NAME
      const inner = bare(child(value, 'argument'))
      if (value['operator'] === '!' && inner?.type === 'UnaryExpression' && inner['operator'] === '!')
        return again(child(inner, 'argument'))
      return value['operator'] === 'void' ? [] : null
    }
    case 'Identifier': {
      const name = identifier(value) ?? ''
      if (name === 'undefined') return []
      const found = scope.find(name)
      if (found === null || found.kind !== 'variable') return null
      if (found.key === null) return again(found.value, found.scope)
      return knowledge.isEnvironment(found.value, found.scope)
        ? given(found.key)
        : presenceOfProperty(found.key, knowledge, depth)
    }
    case 'LogicalExpression': {
      const left = again(child(value, 'left'))
      const right = again(child(value, 'right'))
      if (value['operator'] === '&&') return left === null || right === null ? null : both(left, right)
      if (right === ALWAYS) return ALWAYS
      // `options.key ?? process.env.KEY`: the flag does the same, and a form asks for the variable. The other way round
      // there is something to fall back on.
      if (left === null) return right
      return right === null ? (failsHere(bare(child(value, 'right'))) ? left : ALWAYS) : either(left, right)
    }
    case 'CallExpression': {
      const helper = knowledge.helperOf(value, scope)
      if (helper !== null) {
        const handed = texts(children(value, 'arguments')[helper.index] ?? null, scope)
        const all = handed.flatMap((text) => helper.names(text))
        if (all.length > 0) return either(...all.map(given))
      }
      const result = knowledge.presenceOfCall(value, scope)
      if (result !== null) return result
      const object = child(bare(child(value, 'callee')), 'object')
      return (object === null ? null : again(object)) ?? again(children(value, 'arguments')[0] ?? null)
    }
    case 'MemberExpression': {
      const name = memberName(value)
      if (name === 'length') return again(child(value, 'object'))
      return name === null ? null : presenceOfProperty(name, knowledge, depth)
    }
    default:
      return null
  }
}

/** Of a property such as `config.apiKey`, when all places that set it agree. */
function presenceOfProperty(name: string, knowledge: Knowledge, depth: number): Presence | null {
  const known = (knowledge.properties.get(name) ?? [])
    .map(({ node, scope }) => presenceOf(node, scope, knowledge, depth + 2))
    .filter((one) => one !== null && one.length > 0)
  const [first] = known
  if (first === undefined || first === null) return null
  return known.every((one) => JSON.stringify(one) === JSON.stringify(first)) ? first : null
}

/** What must be given so that a condition does not hold. */
export function needed(test: Node | null, scope: Scope, knowledge: Knowledge, depth = 0): Presence | null {
  const value = bare(test)
  if (value === null || depth > DEEPEST) return null
  if (value.type === 'UnaryExpression' && value['operator'] === '!') {
    const argument = child(value, 'argument')
    const names = isOfEach(argument, scope) ? knowledge.namesRead(argument, scope) : null
    return names === null || names.length === 0
      ? presenceOf(argument, scope, knowledge)
      : both(...names.map(given))
  }
  if (value.type === 'LogicalExpression') {
    const left = needed(child(value, 'left'), scope, knowledge, depth + 1)
    const right = needed(child(value, 'right'), scope, knowledge, depth + 1)
    if (value['operator'] === '||') return left === null ? right : right === null ? left : both(left, right)
    return left === null || right === null ? null : either(left, right)
  }
  if (value.type !== 'BinaryExpression' || !/^={2,3}$/.test(String(value['operator']))) return null
  const left = bare(child(value, 'left'))
  const right = bare(child(value, 'right'))
  const subject = isNothing(right) ? left : isNothing(left) ? right : null
  if (subject === null) return null
  // typeof x === 'undefined'
  return presenceOf(
    subject.type === 'UnaryExpression' ? child(subject, 'argument') : subject,
    scope,
    knowledge,
  )
}

/** `process.env[name]` where `for (const name of NAMES)` goes through all of them. */
function isOfEach(node: Node | null, scope: Scope): boolean {
  const key = identifier(bare(child(bare(node), 'property')))
  return key !== null && scope.find(key)?.kind === 'element'
}

function isNothing(node: Node | null): boolean {
  if (identifier(node) === 'undefined' || (node?.type === 'UnaryExpression' && node['operator'] === 'void'))
    return true
  return node?.type === 'Literal' && ['null', '', 'undefined', '0'].includes(String(node['value']))
}
