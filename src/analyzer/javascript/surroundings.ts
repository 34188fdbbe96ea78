import { failsHere, failsIn } from './failing.ts'
import { constant } from './strings.ts'
import { bare, child, identifier, isFunction, type Node } from './syntax.ts'
import type { Place } from './walk.ts'

/** What stands around a read. */
export interface Surroundings {
  /** A constant that is used instead, such as `'a'` of `process.env.X ?? 'a'`. */
  readonly default: string | null
  /** True when it fails on the spot without a value, false when something else is used. */
  readonly required: boolean | null
  /** It lies in a part that serves HTTP. */
  readonly httpOnly: boolean
}

const HTTP_FILE = /(?:^|\/)[^/]*(?:http|sse)[^/]*\.[cm]?[jt]s$/i
const HTTP_FUNCTION =
  /(?:http|sse|express)(?:server|transport|mode)|(?:start|run|serve|create|main)(?:http|sse|express|streamable)/i

export function surroundingsOf(node: Node, { scope, parents, program }: Place): Surroundings {
  let inner = node
  let fallback: string | null = null
  let required: boolean | null = null
  for (let i = parents.length - 1; i >= 0 && i > parents.length - 7; i--) {
    const outer = parents[i]
    if (outer?.type === 'IfStatement' && outer['test'] === inner && hasOtherWay(outer)) required ??= false
    if (outer === undefined || isFunction(outer) || outer.type.endsWith('Statement')) break
    if (outer.type === 'LogicalExpression' && outer['left'] === inner && outer['operator'] !== '&&') {
      const right = bare(child(outer, 'right'))
      const other = constant(right, scope)
      fallback ??= other
      // An empty text stands for nothing.
      if (other !== null && other !== '') required = false
      else if (failsHere(right)) required = true
      else if (/^(?:ArrayExpression|ObjectExpression|CallExpression)$/.test(right?.type ?? ''))
        required = false
    }
    if (outer.type === 'ConditionalExpression' && outer['test'] === inner) required = false
    if (outer.type === 'BinaryExpression' || outer.type === 'UnaryExpression') break
    inner = outer
  }
  const names = parents.map((one) => identifier(child(one, 'id')) ?? '').join(' ')
  return {
    default: fallback === '' ? null : fallback,
    required,
    httpOnly: HTTP_FILE.test(program.path) || HTTP_FUNCTION.test(names),
  }
}

/** An `if` that does something else when its test does not hold, and fails neither way. */
function hasOtherWay(node: Node): boolean {
  const alternate = child(node, 'alternate')
  if (alternate === null || failsIn(child(node, 'consequent'))) return false
  if (alternate.type !== 'IfStatement') return !failsIn(alternate)
  return child(alternate, 'alternate') === null
    ? !failsIn(child(alternate, 'consequent'))
    : hasOtherWay(alternate)
}
