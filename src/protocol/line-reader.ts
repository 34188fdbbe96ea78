const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20
/** How much of a line that is too long is kept from either end, to find out whose answer it was. */
const REMNANT_BYTES = 256
/** To join a shorter line costs less than to avoid it. */
const LONG_BYTES = 131_072

export interface LineHandler {
  /** One line without its line break, with every CR in it replaced by a space. Valid until the handler returns. */
  line(bytes: Buffer): void
  /**
   * A line of more than 128 KiB in the packets it came in. True when it was dealt with; otherwise {@link line} follows.
   * The parts are nobody else's.
   */
  parts?(parts: readonly Buffer[], length: number): boolean
  /** A line over the limit was thrown away; its first and last bytes are all that is left. */
  tooLong(head: Buffer, tail: Buffer, length: number): void
}

/**
 * Cuts a server's output into lines without turning it into text. Several lines in a packet and lines over many packets
 * are both fine; a line over many packets is copied once.
 */
export function createLineReader(maxBytes: number, handler: LineHandler): (chunk: Buffer) => void {
  let parts: Buffer[] = []
  let length = 0

  function collect(part: Buffer): void {
    if (part.length === 0) return
    length += part.length
    if (length <= maxBytes) {
      parts.push(part)
      return
    }
    // Only both ends are kept, in copies, so that the line's memory can go.
    const head = parts[0] ?? part
    const tail = Buffer.concat([parts.at(-1) ?? part, part]).subarray(-REMNANT_BYTES)
    parts = [Buffer.from(head.subarray(0, REMNANT_BYTES)), Buffer.from(tail)]
  }

  function finish(): void {
    const [only] = parts
    if (only === undefined) return
    if (length > maxBytes) handler.tooLong(only, parts.at(-1) ?? only, length)
    else if (length <= LONG_BYTES || handler.parts?.(parts, length) !== true)
      handler.line(withoutCr(parts.length === 1 ? only : Buffer.concat(parts, length)))
    parts = []
    length = 0
  }

  return (chunk) => {
    let start = 0
    for (;;) {
      const end = chunk.indexOf(LF, start)
      if (end === -1) break
      collect(start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end))
      finish()
      start = end + 1
    }
    collect(start === 0 ? chunk : chunk.subarray(start))
  }
}

// A raw CR would end a line of an event stream early. Inside a JSON string it is not allowed, between tokens it is blank.
function withoutCr(line: Buffer): Buffer {
  for (let at = line.indexOf(CR); at !== -1; at = line.indexOf(CR, at + 1)) line[at] = SPACE
  return line
}
