import type { Scope } from './scope.ts'
import { always, both, either, ALWAYS, type Presence } from './presence.ts'
import { bare, child, children, identifier, isFunction, type Node } from './syntax.ts'

/** A `return` of a function, and the conditions inside the function that lead to it. */
export interface Result {
  readonly value: Node | null
  readonly scope: Scope
  /** From the outermost; `isElse` when the return stands in the other branch. */
  readonly guards: readonly { readonly test: Node; readonly isElse: boolean }[]
}

const MOST = 40

/** Collects what each function returns while a program is walked. */
export class Results {
  readonly #results = new Map<Node, Result[]>()
  /** By name, for functions that other files call; null when several have it. */
  readonly #byName = new Map<string, Node | null>()

  note(node: Node, scope: Scope, parents: readonly Node[]): void {
    const from = parents.findLastIndex((one) => isFunction(one))
    const owner = parents[from]
    if (owner === undefined) return
    const known = this.#results.get(owner) ?? []
    if (known.length >= MOST) return
    const inner = [...parents.slice(from + 1), node]
    const guards = inner.flatMap((one, i) => {
      const test = one.type === 'IfStatement' ? child(one, 'test') : null
      return test === null || one['test'] === inner[i + 1]
        ? []
        : [{ test, isElse: one['alternate'] === inner[i + 1] }]
    })
    this.#results.set(owner, [...known, { value: child(node, 'argument'), scope, guards }])
  }

  name(owner: Node): void {
    const name = identifier(child(owner, 'id'))
    // Names of one or two letters are a minifier's.
    if (name === null || name.length < 4) return
    this.#byName.set(name, this.#byName.has(name) ? null : owner)
  }

  of(owner: Node): readonly Result[] {
    return this.#results.get(owner) ?? []
  }

  named(name: string): Node | null {
    return this.#byName.get(name) ?? null
  }
}

/** How conditions and values inside a function are read. */
export interface Reading {
  readonly presence: (node: Node | null, scope: Scope) => Presence | null
  readonly needed: (test: Node | null, scope: Scope) => Presence | null
}

/**
 * What must be given so that a function returns something: `if (!a) return null; return …` needs a, and
 * `if (a) return …; if (b) return …; return null` one of both. Ways that hang on something else, such as a flag, are
 * left out. Null when it always returns something, or nobody can tell.
 */
export function presenceOfResult(results: readonly Result[], read: Reading): Presence | null {
  let before: Presence = ALWAYS
  let ways: Presence = []
  for (const { value, scope, guards } of results) {
    const last = guards.at(-1)
    if (isNothing(value)) {
      const absence = last === undefined || last.isElse ? null : read.needed(last.test, scope)
      if (absence !== null) before = both(before, absence)
      continue
    }
    let way: Presence | null = before
    for (const { test, isElse } of guards) {
      const given = isElse ? null : read.presence(test, scope)
      way = way === null || given === null ? null : both(way, given)
    }
    // What hangs on something else than the environment is another way.
    if (way === null) continue
    const given = bare(value)?.type === 'ObjectExpression' ? null : read.presence(value, scope)
    ways = either(ways, given === null ? way : both(way, given))
  }
  const returnsNothing = results.some(({ value }) => isNothing(value))
  return !returnsNothing || ways.length === 0 || ways.some((one) => one.length === 0) ? null : ways
}

function isNothing(value: Node | null): boolean {
  const node = bare(value)
  if (node === null || identifier(node) === 'undefined') return true
  if (node.type === 'UnaryExpression' && node['operator'] === 'void') return true
  return node.type === 'Literal' && (node['value'] === null || node['value'] === false)
}

const SAYS_MISSING =
  /\b(?:required|requires|missing|must (?:be|provide|set|have)|provide|please set|not (?:set|configured|found|provided|defined)|is empty|set (?:the|either|one)|need(?:s|ed)? to (?:be )?set)\b/i

/**
 * What a message asks for that is shown when something is missing: `Set A and B, or C` gives two alternatives.
 * @param isRead whether the program reads a variable
 */
export function askedIn(text: string, isRead: (name: string) => boolean): Presence {
  if (!SAYS_MISSING.test(text)) return []
  const sentence = text.length > 600 ? '' : text
  const ways = sentence
    .split(/\bor\b|\beither\b/i)
    .map((part) => [
      ...new Set((part.match(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g) ?? []).filter((name) => isRead(name))),
    ])
    .filter((names) => names.length > 0)
  const presence = either(ways)
  return presence.length > 1 && always(presence).length > 0 ? [] : presence
}

/** The texts that a failing branch shows: of errors, of `console.error`. */
export function textsIn(node: Node | null, depth = 0): string {
  if (node === null || depth > 7 || isFunction(node)) return ''
  if (node.type === 'Literal') return typeof node['value'] === 'string' ? node['value'] : ''
  if (node.type === 'TemplateElement') {
    const cooked = (node['value'] as { readonly cooked?: unknown } | null)?.cooked
    return typeof cooked === 'string' ? cooked : ''
  }
  const parts: string[] = []
  for (const field of [
    'body',
    'expression',
    'expressions',
    'argument',
    'arguments',
    'left',
    'right',
    'quasis',
  ]) {
    const one = child(node, field)
    for (const next of one === null ? children(node, field) : [one]) parts.push(textsIn(next, depth + 1))
  }
  return parts.join(' ')
}
