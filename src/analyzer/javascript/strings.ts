import type { Scope } from './scope.ts'
import { bare, calleeName, child, children, identifier, memberName, type Node } from './syntax.ts'

const MOST = 200
const DEEPEST = 8

/**
 * The texts that an expression can be when it is made of constants: literals, templates, concatenations, named
 * constants, elements of constant lists. Empty when it depends on anything else.
 */
export function texts(node: Node | null, scope: Scope, depth = 0): readonly string[] {
  const value = bare(node)
  if (value === null || depth > DEEPEST) return []
  const again = (next: Node | null, from: Scope = scope): readonly string[] => texts(next, from, depth + 1)
  switch (value.type) {
    case 'Literal':
      return typeof value['value'] === 'string' ? [value['value']] : []
    case 'TemplateLiteral':
      return product(templateParts(value).map((part) => (typeof part === 'string' ? [part] : again(part))))
    case 'BinaryExpression':
      return value['operator'] === '+'
        ? product([again(child(value, 'left')), again(child(value, 'right'))])
        : []
    case 'ConditionalExpression':
      return [...again(child(value, 'consequent')), ...again(child(value, 'alternate'))].slice(0, MOST)
    case 'ArrayExpression':
      return children(value, 'elements')
        .flatMap((element) => again(element))
        .slice(0, MOST)
    case 'Identifier': {
      const found = scope.find(identifier(value) ?? '')
      if (found === null || (found.kind !== 'variable' && found.kind !== 'element')) return []
      return found.key === null ? again(found.value, found.scope) : []
    }
    case 'MemberExpression': {
      const object = bare(child(value, 'object'))
      const name = memberName(value)
      const found = object?.type === 'Identifier' ? scope.find(identifier(object) ?? '') : null
      const holder = bare(found?.value ?? null)
      if (found === null || holder?.type !== 'ObjectExpression' || name === null) return []
      const property = children(holder, 'properties').find((one) => identifier(child(one, 'key')) === name)
      return again(child(property, 'value'), found.scope)
    }
    case 'CallExpression': {
      const name = calleeName(value)
      const object = child(bare(child(value, 'callee')), 'object')
      if (name === 'toUpperCase') return again(object).map((text) => text.toUpperCase())
      if (name === 'toLowerCase') return again(object).map((text) => text.toLowerCase())
      if (name === 'trim' || name === 'freeze' || name === 'Set') {
        return again(name === 'trim' ? object : (children(value, 'arguments')[0] ?? null))
      }
      return []
    }
    case 'NewExpression':
      return calleeName(value) === 'Set' ? again(children(value, 'arguments')[0] ?? null) : []
    default:
      return []
  }
}

/** The one text that an expression is, or null. */
export function oneText(node: Node | null, scope: Scope): string | null {
  const all = texts(node, scope)
  return all.length === 1 ? (all[0] ?? null) : null
}

/** A constant as text: also numbers and booleans. */
export function constant(node: Node | null, scope: Scope): string | null {
  const value = bare(node)
  if (value?.type === 'Literal') {
    const literal = value['value']
    if (typeof literal === 'number' || typeof literal === 'boolean') return String(literal)
  }
  // Minified booleans.
  if (value?.type === 'UnaryExpression' && value['operator'] === '!') {
    const inner = child(value, 'argument')?.['value']
    if (inner === 0) return 'true'
    if (inner === 1) return 'false'
  }
  return oneText(value, scope)
}

/** A template's texts and expressions in their order. */
export function templateParts(template: Node): readonly (string | Node)[] {
  const expressions = children(template, 'expressions')
  return children(template, 'quasis').flatMap((quasi, index) => {
    const value = quasi['value']
    const cooked = typeof value === 'object' && value !== null && 'cooked' in value ? value.cooked : ''
    const after = expressions[index]
    return [typeof cooked === 'string' ? cooked : '', ...(after === undefined ? [] : [after])]
  })
}

function product(parts: readonly (readonly string[])[]): readonly string[] {
  let all = ['']
  for (const part of parts) {
    all = all.flatMap((start) => part.map((end) => start + end)).slice(0, MOST)
    if (all.length === 0) return []
  }
  return all
}
