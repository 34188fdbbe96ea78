import type { IncomingMessage } from 'node:http'
import { createLineReader } from '../protocol/index.ts'

const DATA = Buffer.from('data:')
const SPACE = 0x20

/**
 * The JSON-RPC messages of an answer, one after the other: of an event stream or a JSON body.
 * @throws Error when the answer is cut off, or a message is larger than `maxBytes`
 */
export async function* messagesOf(answer: IncomingMessage, maxBytes: number): AsyncIterable<Buffer> {
  const isStream = answer.headers['content-type']?.startsWith('text/event-stream') === true
  if (isStream) yield* eventsOf(answer, maxBytes)
  else {
    const body = await wholeBody(answer, maxBytes)
    if (body.length > 0) yield body
  }
}

/** Endpoints of ours write each event's data on one line. */
async function* eventsOf(answer: IncomingMessage, maxBytes: number): AsyncIterable<Buffer> {
  const ready: Buffer[] = []
  let isTooLong = false
  const read = createLineReader(maxBytes, {
    line(line) {
      if (!line.subarray(0, DATA.length).equals(DATA)) return
      const from = line[DATA.length] === SPACE ? DATA.length + 1 : DATA.length
      const data = Buffer.from(line.subarray(from)).toString('latin1').trimEnd()
      if (data !== '') ready.push(Buffer.from(data, 'latin1'))
    },
    tooLong: () => (isTooLong = true),
  })
  for await (const chunk of answer) {
    // A response without an encoding gives bytes.
    read(chunk as Buffer)
    if (isTooLong) throw new Error('A message is too large.')
    yield* ready.splice(0)
  }
}

async function wholeBody(answer: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer) {
    chunks.push(chunk as Buffer)
    bytes += (chunk as Buffer).length
    if (bytes > maxBytes) throw new Error('A message is too large.')
  }
  return Buffer.concat(chunks)
}
