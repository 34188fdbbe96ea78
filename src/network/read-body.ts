import { HttpFailure, type HttpResponse } from './http.ts'

/**
 * The whole body.
 * @throws HttpFailure `too_large` beyond `maxBytes`, `unreachable` when it breaks off
 */
export async function readBytes({ body, url }: HttpResponse, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > maxBytes) throw new HttpFailure('too_large', `The answer of ${url.host} is too large.`)
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof HttpFailure) throw error
    throw new HttpFailure('unreachable', `The answer of ${url.host} broke off.`, error)
  }
  return Buffer.concat(chunks)
}

/**
 * The body as JSON; everything in it is still to be checked.
 * @throws HttpFailure as {@link readBytes}; `malformed` when it is no JSON
 */
export async function readJson(response: HttpResponse, maxBytes: number): Promise<unknown> {
  const bytes = await readBytes(response, maxBytes)
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown
  } catch (error) {
    throw new HttpFailure('malformed', `The answer of ${response.url.host} is not JSON.`, error)
  }
}
