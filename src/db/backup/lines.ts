const LF = 0x0a
/** A row holds at most what PostgreSQL takes as one value, which is less. */
const LONGEST_LINE = 1024 * 1024 * 1024

/** The lines of a stream without their line breaks; what is behind the last one is no line. */
export async function* readLines(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer, undefined> {
  let parts: Buffer[] = []
  let length = 0
  for await (const chunk of input) {
    let start = 0
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      parts.push(chunk.subarray(start, end))
      yield parts.length === 1 ? (parts[0] ?? chunk) : Buffer.concat(parts)
      parts = []
      length = 0
      start = end + 1
    }
    length += chunk.length - start
    if (length > LONGEST_LINE) throw new RangeError('a line does not end')
    parts.push(chunk.subarray(start))
  }
}
