import { parseSync } from 'oxc-parser'

/** A node of the syntax tree (ESTree with TypeScript), whose fields are looked at one by one. */
export interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: unknown
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

/** The node in a field, or null. */
export function child(node: Node | null | undefined, field: string): Node | null {
  const value = node?.[field]
  return isNode(value) ? value : null
}

/** The nodes in a field that holds a list; holes are left out. */
export function children(node: Node | null | undefined, field: string): readonly Node[] {
  const value = node?.[field]
  return Array.isArray(value) ? value.filter(isNode) : []
}

export function textField(node: Node | null | undefined, field: string): string | null {
  const value = node?.[field]
  return typeof value === 'string' ? value : null
}

/** All nodes directly below one. */
export function* below(node: Node): Generator<Node> {
  for (const field in node) {
    const value = node[field]
    if (typeof value !== 'object' || value === null) continue
    if (Array.isArray(value)) {
      for (const item of value) if (isNode(item)) yield item
    } else if (isNode(value)) yield value
  }
}

/** Without the wrappers that change nothing: parentheses, `as`, `!`, `await`, optional chains. */
export function bare(node: Node | null): Node | null {
  let current = node
  while (current !== null) {
    switch (current.type) {
      case 'ParenthesizedExpression':
      case 'TSAsExpression':
      case 'TSSatisfiesExpression':
      case 'TSNonNullExpression':
      case 'TSTypeAssertion':
      case 'ChainExpression':
        current = child(current, 'expression')
        break
      case 'AwaitExpression':
        current = child(current, 'argument')
        break
      default:
        return current
    }
  }
  return null
}

/** The name of an identifier, or null. */
export function identifier(node: Node | null): string | null {
  return node?.type === 'Identifier' ? textField(node, 'name') : null
}

/** `b` of `a.b`, `a?.b`, `a['b']`; null for anything else. */
export function memberName(node: Node | null): string | null {
  if (node?.type !== 'MemberExpression') return null
  const property = child(node, 'property')
  if (node['computed'] === true) return property?.type === 'Literal' ? textField(property, 'value') : null
  return identifier(property)
}

/** The name of a property of an object or pattern, or null when it is computed. */
export function keyOf(property: Node): string | null {
  const key = child(property, 'key')
  if (key === null) return null
  if (key.type === 'Literal') return textField(key, 'value')
  return property['computed'] === true ? null : identifier(key)
}

/** The last name of what is called: `c` of `a.b.c()` and of `c()`. */
export function calleeName(call: Node): string | null {
  const callee = bare(child(call, 'callee'))
  if (callee?.type === 'SequenceExpression') {
    const last = children(callee, 'expressions').at(-1) ?? null
    return identifier(last) ?? memberName(last)
  }
  return identifier(callee) ?? memberName(callee)
}

/** The expressions of a statement, one after the other where commas join them. */
export function expressionsOf(statement: Node): readonly Node[] {
  const expression = bare(child(statement, 'expression'))
  if (expression?.type === 'SequenceExpression') return children(expression, 'expressions')
  return expression === null ? [] : [expression]
}

interface FunctionNode extends Node {
  readonly type: 'FunctionDeclaration' | 'FunctionExpression' | 'ArrowFunctionExpression'
}

export function isFunction(node: Node | null): node is FunctionNode {
  return (
    node?.type === 'FunctionDeclaration' ||
    node?.type === 'FunctionExpression' ||
    node?.type === 'ArrowFunctionExpression'
  )
}

/**
 * How deeply a text nests at most, judged by its brackets and by runs of operators that recurse, without knowing
 * strings or comments. A native parser that recurses would end the process beyond some tens of thousands.
 */
export function nesting(text: string): number {
  let depth = 0
  let deepest = 0
  let run = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 40 || code === 91 || code === 123) {
      depth++
      if (depth > deepest) deepest = depth
    } else if (code === 41 || code === 93 || code === 125) {
      if (depth > 0) depth--
    }
    // `<`, `!`, `~`, `+`, `-`, `?`, `:`, `=>`: each may open a level without a bracket.
    if (code === 60 || code === 33 || code === 126 || code === 43 || code === 45 || code === 63) {
      run++
      if (run > deepest) deepest = run
    } else if (code === 59 || code === 10 || code === 125) run = 0
  }
  return deepest
}

/** A parsed file. */
export interface Program {
  readonly path: string
  readonly text: string
  readonly root: Node
  /** Line of an offset, from 1. */
  readonly lineAt: (offset: number) => number
}

/** Null when the text cannot be parsed at all. */
export function parse(path: string, text: string): Program | null {
  const language = /\.[cm]?tsx?$/.test(path) ? (path.endsWith('.tsx') ? 'tsx' : 'ts') : 'jsx'
  const result = parseSync(path, text, { lang: language })
  const root: unknown = result.program
  if (!isNode(root)) return null
  return { path, text, root, lineAt: lineFinder(text) }
}

/** Counts lines once, then answers by bisection. */
function lineFinder(text: string): (offset: number) => number {
  let starts: number[] | null = null
  return (offset) => {
    if (starts === null) {
      starts = [0]
      for (let i = text.indexOf('\n'); i !== -1; i = text.indexOf('\n', i + 1)) starts.push(i + 1)
    }
    let low = 0
    let high = starts.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle
    }
    return low + 1
  }
}
