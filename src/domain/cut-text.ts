/** Ends a text that was cut; a redactor takes away what is left of a value before it. */
export const CUT_MARK = '…'

/** The text of bytes, at most so many of them, with a mark where it was cut. */
export function cutText(bytes: Buffer, most: number): string {
  return bytes.length <= most ? bytes.toString('utf8') : bytes.toString('utf8', 0, most) + CUT_MARK
}
