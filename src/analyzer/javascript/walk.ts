import { collectScopes, Scope, type Scopes } from './scope.ts'
import { below, type Node, type Program } from './syntax.ts'

/** Where the walk is. */
export interface Place {
  readonly program: Program
  readonly scope: Scope
  /** From the outermost to the direct parent; changes as the walk goes on. */
  readonly parents: readonly Node[]
}

const scopesOf = new WeakMap<Program, Scopes>()

/** Calls `visit` for every node of a program, outer ones first. */
export function walk(program: Program, visit: (node: Node, place: Place) => void): void {
  let scopes = scopesOf.get(program)
  if (scopes === undefined) {
    scopes = collectScopes(program.root)
    scopesOf.set(program, scopes)
  }
  const known = scopes
  const parents: Node[] = []
  const step = (node: Node, outer: Place): void => {
    const scope = known.get(node)
    const place = scope === undefined ? outer : { program, scope, parents }
    visit(node, place)
    parents.push(node)
    for (const next of below(node)) step(next, place)
    parents.pop()
  }
  step(program.root, { program, scope: new Scope(null), parents })
}
