const QUOTE = 0x22
const BACKSLASH = 0x5c
const CR = 0x0d
/**
 * What is left of the beginning of a part whose rest is cut out. The scanner looks at so much of a string, so that nothing
 * which it would refuse is out of its sight.
 */
const KEPT_BYTES = 64
/**
 * Parts below this length are not worth a cut. In a line whose parts are shorter on the average, the objects that hold
 * them would cost more memory than a copy, as long as a client takes to read.
 */
const WORTH_BYTES = 4096

/** A long line without the insides of its long strings, which nobody has to look at. */
export interface Skeleton {
  readonly bytes: Buffer
  /** Where something is missing, in ascending order: offsets in `bytes`, each before the byte that follows the gap. */
  readonly gaps: readonly Gap[]
}

export interface Gap {
  readonly at: number
  readonly length: number
}

/**
 * Cuts out of a line in parts, as it came from a pipe, what can only be the inside of a string: bytes without a quote and
 * without a backslash. Whether that is so, the scanner finds out. Null where that saves little, or there is a CR in it.
 */
export function skeletonOf(parts: readonly Buffer[], length: number): Skeleton | null {
  if (parts.length * WORTH_BYTES > length) return null
  const kept: Buffer[] = []
  const gaps: Gap[] = []
  let at = 0
  for (const part of parts) {
    if (part.includes(CR)) return null
    const isCut = part.length >= WORTH_BYTES && !part.includes(QUOTE) && !part.includes(BACKSLASH)
    const piece = isCut ? part.subarray(0, KEPT_BYTES) : part
    kept.push(piece)
    at += piece.length
    if (isCut) gaps.push({ at, length: part.length - KEPT_BYTES })
  }
  return at > length / 2 ? null : { bytes: Buffer.concat(kept, at), gaps }
}

/** An offset in the skeleton as one in the whole line. */
export function offsetInWhole(gaps: readonly Gap[], offset: number): number {
  let whole = offset
  for (const { at, length } of gaps) if (at <= offset) whole += length
  return whole
}
