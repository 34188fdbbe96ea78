import { PassThrough, type Readable } from 'node:stream'

const HEADER_BYTES = 8
const STDERR = 2
/** How much later than the output the container's end may be known. */
const END_MS = 2_000

/**
 * Takes apart what the engine sends of a container's output: frames with a header of eight bytes, the first of which says
 * which stream it is and the last four how long it is (Docker Engine API, "Attach to a container: stream format"). Reads
 * no faster than the output is read. Both streams end with the source, however that ends, but not before it is known how
 * the container ended: to take a kernel of its own down takes time, in which nobody is to take it for one that closed its
 * output and lives on.
 * @param over settles when the end is known; not waited for for long, because the engine may be away
 */
export function splitStreams(
  source: Readable,
  over: Promise<unknown>,
): { readonly stdout: Readable; readonly stderr: Readable } {
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  void split(source, stdout, stderr)
    // The connection broke: what came before is still worth reading.
    .catch(() => undefined)
    .then(async () => atMost(END_MS, over))
    .finally(() => {
      stdout.end()
      stderr.end()
    })
  return { stdout, stderr }
}

async function split(source: Readable, stdout: PassThrough, stderr: PassThrough): Promise<void> {
  let header = Buffer.alloc(0)
  let target = stdout
  let left = 0
  // A stream without an encoding gives buffers.
  for await (let chunk of source as AsyncIterable<Buffer>) {
    while (chunk.length > 0) {
      if (left === 0) {
        const taken = HEADER_BYTES - header.length
        header = Buffer.concat([header, chunk.subarray(0, taken)])
        chunk = chunk.subarray(taken)
        if (header.length < HEADER_BYTES) break
        target = header[0] === STDERR ? stderr : stdout
        left = header.readUInt32BE(4)
        header = Buffer.alloc(0)
      } else {
        const part = chunk.subarray(0, left)
        chunk = chunk.subarray(part.length)
        left -= part.length
        if (!target.write(part)) await drained(target)
      }
    }
  }
}

/** Somebody who reads no more is not waited for. */
async function drained(stream: PassThrough): Promise<void> {
  if (stream.destroyed) return
  await new Promise<void>((resolve) => {
    const done = (): void => {
      stream.off('drain', done)
      stream.off('close', done)
      resolve()
    }
    stream.on('drain', done)
    stream.on('close', done)
  })
}

async function atMost(limitMs: number, settled: Promise<unknown>): Promise<void> {
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(late.resolve, limitMs)
  await Promise.race([Promise.allSettled([settled]), late.promise])
  clearTimeout(timer)
}
