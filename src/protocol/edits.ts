import type { Span } from './envelope.ts'
import type { MemberSpan } from './scan.ts'
import type { Edit } from './splice.ts'

const COMMA = 0x2c
const CLOSE_OBJECT = 0x7d
const SPACE = 0x20

/**
 * The edit that puts members in front of those that a scanned object has.
 * @param object the object's span, braces included
 * @param members one or more, as JSON without braces, one character a byte
 */
export function insertMembers(source: Buffer, object: Span, members: string): Edit {
  const at = object.start + 1
  let next = at
  // A scanned message holds no line break between tokens, and a tab is below the space as well.
  while ((source[next] ?? 0) <= SPACE && next < object.end) next++
  const empty = source[next] === CLOSE_OBJECT
  return { span: { start: at, end: at }, letters: empty ? members : `${members},` }
}

/** The edit that takes a member out of a scanned object, with the comma that goes with it. */
export function removeMember(source: Buffer, { from, end }: MemberSpan): Edit {
  let after = end
  while ((source[after] ?? COMMA) <= SPACE) after++
  if (source[after] === COMMA) return { span: { start: from, end: after + 1 }, letters: '' }
  let before = from
  while ((source[before - 1] ?? COMMA) <= SPACE) before--
  return { span: { start: source[before - 1] === COMMA ? before - 1 : before, end }, letters: '' }
}

/** Edits in the order of the text; those at one place keep theirs. */
export function inOrder(edits: readonly Edit[]): Edit[] {
  return edits.toSorted((a, b) => a.span.start - b.span.start)
}
