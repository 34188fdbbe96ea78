import { Scope } from './scope.ts'
import { constant } from './strings.ts'
import { bare, calleeName, child, children, isFunction, keyOf, type Node } from './syntax.ts'

const EMPTY = new Scope(null)
const FAILING =
  /^(?:exit|fail|die|abort|bail|fatal|panic|usage|showUsage|printUsage|showHelp|required|throwError|reject|addIssue|help)$/i

/** Whether a statement ends what goes on: it throws, exits, or answers with an error. */
export function failsIn(node: Node | null): boolean {
  const value = bare(node)
  if (value === null) return false
  switch (value.type) {
    case 'BlockStatement':
      return children(value, 'body').some((statement) => failsIn(statement))
    case 'ThrowStatement':
      return true
    case 'ExpressionStatement':
      return failsHere(bare(child(value, 'expression')))
    case 'ReturnStatement':
      return failsHere(bare(child(value, 'argument')))
    default:
      return failsHere(value)
  }
}

/** Whether an expression fails where it stands: a call that exits or throws, a new error, a result with `isError`. */
export function failsHere(node: Node | null): boolean {
  if (node === null) return false
  switch (node.type) {
    case 'SequenceExpression':
      return children(node, 'expressions').some((one) => failsHere(bare(one)))
    case 'CallExpression': {
      const callee = bare(child(node, 'callee'))
      if (isFunction(callee)) return failsIn(child(callee, 'body'))
      const name = calleeName(node) ?? ''
      if (name === 'exit') return children(node, 'arguments')[0]?.['value'] !== 0
      return FAILING.test(name) || /^(?:fail|exit|throw|abort|missing)[A-Z]/.test(name)
    }
    case 'ObjectExpression':
      return children(node, 'properties').some(
        (property) => keyOf(property) === 'isError' && constant(child(property, 'value'), EMPTY) === 'true',
      )
    case 'NewExpression':
      return calleeName(node)?.endsWith('Error') === true
    default:
      return false
  }
}

/** Whether a helper's body fails, at its top or inside an `if`. */
export function throwsWithout(owner: Node): boolean {
  const body = child(owner, 'body')
  if (body?.type !== 'BlockStatement') return false
  return children(body, 'body').some(
    (statement) =>
      (statement.type === 'IfStatement' && failsIn(child(statement, 'consequent'))) ||
      statement.type === 'ThrowStatement',
  )
}
