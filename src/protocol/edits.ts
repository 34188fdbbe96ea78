import type { Edit } from './splice.ts'

/** Edits in the order of the text; those at one place keep theirs. */
export function inOrder(edits: readonly Edit[]): Edit[] {
  return edits.toSorted((a, b) => a.span.start - b.span.start)
}
