import type { Scope } from './scope.ts'
import { bare, calleeName, child, children, identifier, memberName, textField, type Node } from './syntax.ts'

/** Functions of which a parameter is known to be the environment. */
export type EnvironmentParameters = ReadonlyMap<Node, ReadonlySet<number>>

const NAMED_LIKE_IT = /^(?:env|environ|environment|processEnv|rawEnv|process_env)$/

/** Whether an expression is the whole environment: `process.env`, a copy of it, or a name that stands for it. */
export function isEnvironment(
  node: Node | null,
  scope: Scope,
  parameters: EnvironmentParameters,
  depth = 0,
): boolean {
  const value = bare(node)
  if (value === null || depth > 6) return false
  const again = (next: Node | null, from: Scope = scope): boolean =>
    isEnvironment(next, from, parameters, depth + 1)
  switch (value.type) {
    case 'MemberExpression':
      return memberName(value) === 'env' && isHost(child(value, 'object'), scope)
    case 'Identifier': {
      const name = identifier(value) ?? ''
      const found = scope.find(name)
      if (found === null) return false
      switch (found.kind) {
        case 'variable':
          return found.key === null
            ? again(found.value, found.scope)
            : found.key === 'env' && isHost(found.value, found.scope)
        case 'import':
          return found.key === 'env' && isProcessModule(found.from)
        case 'parameter':
          if (found.key !== null) return found.key === 'env' && NAMED_LIKE_IT.test(name)
          return (
            again(found.value, found.scope) ||
            NAMED_LIKE_IT.test(name) ||
            (found.owner !== null && parameters.get(found.owner)?.has(found.index) === true)
          )
        case 'function':
        case 'class':
        case 'element':
          return false
      }
      return false
    }
    case 'LogicalExpression':
      return again(child(value, 'left')) || again(child(value, 'right'))
    case 'ConditionalExpression':
      return again(child(value, 'consequent')) || again(child(value, 'alternate'))
    case 'ObjectExpression':
      return children(value, 'properties').some(
        (property) => property.type === 'SpreadElement' && again(child(property, 'argument')),
      )
    case 'CallExpression':
      return (
        calleeName(value) === 'assign' && children(value, 'arguments').some((argument) => again(argument))
      )
    default:
      return false
  }
}

function isProcessModule(specifier: string | null): boolean {
  return specifier === 'process' || specifier === 'node:process'
}

/** `process`, `globalThis.process`, `Bun`, `import.meta`. */
function isHost(node: Node | null, scope: Scope): boolean {
  const value = bare(node)
  if (value?.type === 'MetaProperty') return true
  if (value?.type === 'MemberExpression') {
    return (
      memberName(value) === 'process' ||
      (memberName(value) === 'default' && isHost(child(value, 'object'), scope))
    )
  }
  const name = identifier(value)
  if (name === null) return requiresProcess(value)
  if (name === 'process' || name === 'Bun') return true
  const found = scope.find(name)
  if (found?.kind === 'import') return isProcessModule(found.from)
  return found?.kind === 'variable' && found.key === null && requiresProcess(bare(found.value))
}

/** `require('process')`, also inside a bundler's helper that makes a module of it. */
function requiresProcess(value: Node | null): boolean {
  if (value?.type !== 'CallExpression') return false
  const [argument] = children(value, 'arguments')
  if (argument === undefined) return false
  return argument.type === 'Literal'
    ? isProcessModule(textField(argument, 'value'))
    : requiresProcess(bare(argument))
}
