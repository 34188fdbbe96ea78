import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { CUT_MARK } from '../../domain/index.ts'

/** Longer lines are cut; the rest of the line is thrown away. */
export const MAX_LINE_LENGTH = 16_384

/**
 * Reads a stream to its end and hands over each line without its line ending, a last one without an ending too. Always
 * reads on, so that a program cannot be stopped by output that nobody wants. Resolves at the end; never rejects.
 */
export async function readLines(stream: Readable, onLine: (line: string) => void): Promise<void> {
  const decoder = new StringDecoder('utf8')
  let partial = ''
  let cut = false
  const take = (text: string): void => {
    let start = 0
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      grow(text.slice(start, end))
      finish()
      start = end + 1
    }
    grow(text.slice(start))
  }
  const grow = (text: string): void => {
    if (cut) return
    const room = MAX_LINE_LENGTH - partial.length
    cut = text.length > room
    partial += cut ? text.slice(0, room) : text
  }
  const finish = (): void => {
    const line = partial.endsWith('\r') ? partial.slice(0, -1) : partial
    onLine(cut ? line + CUT_MARK : line)
    partial = ''
    cut = false
  }
  try {
    for await (const chunk of stream) take(typeof chunk === 'string' ? chunk : decoder.write(chunk as Buffer))
  } catch {
    // The stream was destroyed; what came before is still worth showing.
  }
  take(decoder.end())
  if (partial !== '') finish()
}
