import { CatwalkError, quoted } from '../../domain/index.ts'
import { HttpFailure, type HttpResponse } from '../../network/index.ts'
import { asCatwalkError, excerptOf } from './wire.ts'

/** An answer that is no answer to what was asked. */
export function statusError({ status, url }: HttpResponse, body: Buffer): CatwalkError {
  const said = excerptOf(body)
  const words = said === '' ? '' : ` It says: ${quoted(said)}`
  if (status >= 500) return new CatwalkError('remote_unavailable', `${url.host} answers ${status}.${words}`)
  const what = status < 300 ? 'answered without a result' : `answers ${status}`
  return new CatwalkError('server_not_mcp', `${url.host} ${what}.${words}`, {
    help: 'Check the address: it must be that of the MCP endpoint itself, often one that ends in /mcp or /sse.',
  })
}

export function asError(error: unknown, url: URL): CatwalkError {
  if (error instanceof CatwalkError) return error
  if (error instanceof HttpFailure) return asCatwalkError(error)
  return new CatwalkError('remote_unavailable', `What ${url.host} answers cannot be read.`, { cause: error })
}

/** Reads a body that says nothing to its end, so that its connection can be used again; not for long. */
export function discard({ body }: HttpResponse): void {
  const timer = setTimeout(() => body.destroy(), DISCARD_MS).unref()
  body.once('close', () => clearTimeout(timer))
  body.resume()
}

const DISCARD_MS = 1000
