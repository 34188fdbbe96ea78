import { publicError, type CatwalkError, type Logger } from '../domain/index.ts'

/** The answer to an error. Whatever is not of the catalogue becomes `internal`, and its cause goes to the log only. */
export function errorAnswer(error: unknown, requestId: string, logger: Logger): Response {
  const known = publicError(error)
  if (known.status >= 500) logger.error({ requestId, code: known.code, err: known.cause }, 'a request failed')
  return Response.json(known.toBody(requestId), {
    status: known.status,
    headers: headersFor(known),
  })
}

function headersFor(error: CatwalkError): Record<string, string> {
  const retryAfterS = error.details?.['retryAfterS']
  if (typeof retryAfterS === 'number') return { 'retry-after': String(retryAfterS) }
  const allow = error.details?.['allow']
  if (typeof allow === 'string') return { allow }
  if (error.code === 'unauthenticated') return { 'www-authenticate': 'Bearer realm="Catwalk"' }
  return {}
}
