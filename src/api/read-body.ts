import { CatwalkError } from '../domain/index.ts'

/** @throws CatwalkError `payload_too_large` as soon as the body is larger than `maxBytes` */
export async function readText(request: Request, maxBytes: number): Promise<string> {
  const tooLarge = () =>
    new CatwalkError('payload_too_large', `The body is larger than ${Math.floor(maxBytes / 1024)} KiB.`)
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge()
  if (request.body === null) return ''
  const chunks: Uint8Array[] = []
  let size = 0
  // Node's type leaves the chunks of a body open; they are bytes.
  for await (const chunk of request.body as ReadableStream<Uint8Array>) {
    size += chunk.byteLength
    if (size > maxBytes) throw tooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** @throws CatwalkError `invalid_request` when it is not JSON or not said to be, `payload_too_large` */
export async function readJson(request: Request, maxBytes: number): Promise<unknown> {
  if (!/^application\/json\s*(?:;|$)/i.test(request.headers.get('content-type') ?? '')) {
    throw new CatwalkError('invalid_request', 'The body must be JSON, with Content-Type: application/json.')
  }
  const text = await readText(request, maxBytes)
  try {
    return JSON.parse(text, refuseUnstorable)
  } catch (error) {
    if (error instanceof CatwalkError) throw error
    throw new CatwalkError('invalid_request', 'The body is not valid JSON.', { cause: error })
  }
}

/** NUL and half characters are legal in JSON, but PostgreSQL stores neither. */
function refuseUnstorable(key: string, value: unknown): unknown {
  for (const text of [key, value]) {
    if (typeof text === 'string' && (text.includes('\0') || !text.isWellFormed())) {
      throw new CatwalkError('invalid_request', 'The body contains a NUL or a broken character.')
    }
  }
  return value
}
