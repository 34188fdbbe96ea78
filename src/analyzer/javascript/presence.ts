/**
 * What must be given, as a list of alternatives, each a list of names: `[]` is never, `[[]]` is always satisfied.
 * Kept small: more than a few alternatives say nothing to a person.
 */
export type Presence = readonly (readonly string[])[]

const MOST = 12

export const ALWAYS: Presence = [[]]

export function given(name: string): Presence {
  return [[name]]
}

export function either(...all: readonly Presence[]): Presence {
  return simplify(all.flat())
}

export function both(...all: readonly Presence[]): Presence {
  let result: Presence = ALWAYS
  for (const one of all) {
    result = simplify(result.flatMap((left) => one.map((right) => [...new Set([...left, ...right])])))
  }
  return result
}

function simplify(alternatives: Presence): Presence {
  const kept: (readonly string[])[] = []
  for (const one of alternatives.toSorted((a, b) => a.length - b.length)) {
    if (kept.some((shorter) => shorter.every((name) => one.includes(name)))) continue
    kept.push(one)
    if (kept.length === MOST) break
  }
  return kept
}

/** Names that occur in every alternative. */
export function always(presence: Presence): readonly string[] {
  const [first, ...others] = presence
  return first === undefined ? [] : first.filter((name) => others.every((one) => one.includes(name)))
}

/** Whether where one is satisfied the other is as well. */
export function implies(one: Presence, other: Presence): boolean {
  return one.every((enough) => other.some((names) => names.every((name) => enough.includes(name))))
}
