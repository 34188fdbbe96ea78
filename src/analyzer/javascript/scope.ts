import { below, child, children, identifier, isFunction, isNode, type Node } from './syntax.ts'

/** What a name stands for. */
export interface Binding {
  readonly name: string
  readonly kind: 'variable' | 'function' | 'class' | 'parameter' | 'import' | 'element'
  /**
   * The value that it is made with: initialiser, function, or class. For a parameter its default value, for `element`
   * (the variable of a `for … of`) the list that is walked.
   */
  readonly value: Node | null
  /** For a name taken out of a pattern: the key it is taken by. */
  readonly key: string | null
  /** For a parameter: the function and its place in it. */
  readonly owner: Node | null
  readonly index: number
  /** For an import: where from, and under which name there. */
  readonly from: string | null
  /** Where it is declared: names in its value are looked up from here. */
  readonly scope: Scope
}

export class Scope {
  readonly #parent: Scope | null
  readonly #bindings = new Map<string, Binding>()

  constructor(parent: Scope | null) {
    this.#parent = parent
  }

  add(binding: Binding): void {
    if (!this.#bindings.has(binding.name)) this.#bindings.set(binding.name, binding)
  }

  find(name: string): Binding | null {
    for (let scope = this.#parent, found = this.#bindings.get(name); ; scope = scope.#parent) {
      if (found !== undefined) return found
      if (scope === null) return null
      found = scope.#bindings.get(name)
    }
  }
}

/** The scope that each node which opens one has; a node's own scope is that of the nearest one above. */
export type Scopes = ReadonlyMap<Node, Scope>

const binding = (
  scope: Scope,
  name: string,
  kind: Binding['kind'],
  more: Partial<Omit<Binding, 'scope'>> = {},
): Binding => ({
  scope,
  name,
  kind,
  value: null,
  key: null,
  owner: null,
  index: 0,
  from: null,
  ...more,
})

/** Collects every scope of a program. `var` counts as if it were block-scoped, which is close enough for reading. */
export function collectScopes(root: Node): Scopes {
  const scopes = new Map<Node, Scope>()
  const visit = (node: Node, outer: Scope): void => {
    let scope = outer
    if (
      node.type === 'Program' ||
      node.type === 'BlockStatement' ||
      node.type === 'StaticBlock' ||
      node.type.startsWith('For') ||
      node.type === 'SwitchStatement' ||
      node.type === 'CatchClause' ||
      isFunction(node)
    ) {
      scope = new Scope(outer)
      scopes.set(node, scope)
    }
    declare(node, scope, outer)
    for (const next of below(node)) visit(next, scope)
  }
  visit(root, new Scope(null))
  return scopes
}

function declare(node: Node, scope: Scope, outer: Scope): void {
  switch (node.type) {
    case 'VariableDeclarator':
      addPattern(child(node, 'id'), scope, (name, key, fallback) =>
        binding(scope, name, 'variable', { value: child(node, 'init') ?? fallback, key }),
      )
      break
    case 'ForOfStatement': {
      const [declarator] = children(child(node, 'left'), 'declarations')
      addPattern(child(declarator, 'id'), scope, (name, key) =>
        binding(scope, name, 'element', { value: child(node, 'right'), key }),
      )
      break
    }
    case 'FunctionDeclaration':
      addNamed(node, outer, 'function')
      addParameters(node, scope)
      break
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
      addParameters(node, scope)
      break
    case 'ClassDeclaration':
      addNamed(node, scope, 'class')
      break
    case 'ImportDeclaration': {
      const source = child(node, 'source')?.['value']
      for (const specifier of children(node, 'specifiers')) {
        const name = identifier(child(specifier, 'local'))
        const imported = identifier(child(specifier, 'imported')) ?? 'default'
        if (name !== null && typeof source === 'string') {
          scope.add(binding(scope, name, 'import', { from: source, key: imported }))
        }
      }
      break
    }
    default:
  }
}

function addNamed(node: Node, scope: Scope, kind: 'function' | 'class'): void {
  const name = identifier(child(node, 'id'))
  if (name !== null) scope.add(binding(scope, name, kind, { value: node }))
}

function addParameters(node: Node, scope: Scope): void {
  for (const [index, parameter] of children(node, 'params').entries()) {
    addPattern(parameter, scope, (name, key, fallback) =>
      binding(scope, name, 'parameter', { value: fallback, key, owner: node, index }),
    )
  }
}

function addPattern(
  pattern: Node | null,
  scope: Scope,
  make: (name: string, key: string | null, fallback: Node | null) => Binding,
  key: string | null = null,
  fallback: Node | null = null,
): void {
  if (pattern === null) return
  switch (pattern.type) {
    case 'Identifier': {
      const name = identifier(pattern)
      if (name !== null) scope.add(make(name, key, fallback))
      break
    }
    case 'AssignmentPattern':
      addPattern(child(pattern, 'left'), scope, make, key, child(pattern, 'right'))
      break
    case 'TSParameterProperty':
      addPattern(child(pattern, 'parameter'), scope, make, key, fallback)
      break
    case 'ArrayPattern': {
      const elements = pattern['elements']
      for (const [index, element] of (Array.isArray(elements) ? elements : []).entries()) {
        if (isNode(element)) addPattern(element, scope, make, `[${String(index)}]`, fallback)
      }
      break
    }
    case 'ObjectPattern':
      for (const property of children(pattern, 'properties')) {
        const name = identifier(child(property, 'key'))
        addPattern(child(property, 'value'), scope, make, name ?? '', fallback)
      }
      break
    default:
  }
}
