import {
  messageKind,
  offsetInWhole,
  ownNumber,
  scan,
  ScanError,
  skeletonOf,
  spliceParts,
  type Span,
} from '../../protocol/index.ts'
import { outcomeOf } from '../report.ts'
import { SERVER_SCAN } from './server-scan.ts'

/** A result of more than 128 KiB that was read without being joined. */
export interface LongResult {
  /** Its id, which is a number of ours. */
  readonly number: number
  readonly outcome: ReturnType<typeof outcomeOf>
  /** The message with another id, in the buffers it came in. @param letters of the id */
  withId(letters: string): readonly Buffer[]
}

/**
 * Reads a result whose size is that of long strings, such as images: to join it costs more than all the rest. Null for any
 * other message, and for what cannot be read so; nothing is refused here.
 * @param parts of one line, in its order
 */
export function readLong(parts: readonly Buffer[], length: number): LongResult | null {
  const skeleton = skeletonOf(parts, length)
  if (skeleton === null) return null
  const { bytes, gaps } = skeleton
  try {
    const found = scan(bytes, { ...SERVER_SCAN, gaps })
    if ('length' in found || found.id === null || found.result === null) return null
    const number = messageKind(bytes, found) === 'response' ? ownNumber(bytes, found.id) : undefined
    if (number === undefined) return null
    const inWhole = ({ start, end }: Span): Span => ({
      start: offsetInWhole(gaps, start),
      end: offsetInWhole(gaps, end),
    })
    const [whole, id] = [inWhole(found), inWhole(found.id)]
    return {
      number,
      outcome: outcomeOf(bytes, found),
      withId: (letters) => spliceParts(parts, whole, [{ span: id, letters }]),
    }
  } catch (error) {
    if (error instanceof ScanError) return null
    throw error
  }
}
