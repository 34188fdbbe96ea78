import { anySignal, CatwalkError, type Secret, type TokenEndpoints } from '../domain/index.ts'
import { HttpFailure, readJson, type HttpClient, type HttpResponse } from '../network/index.ts'

const TIMEOUT_MS = 20_000
const MAX_ANSWER_BYTES = 256 * 1024

/** Asks token endpoints through a client that only goes where it may. A redirect would carry secrets elsewhere. */
export function createTokenEndpoints(http: HttpClient): TokenEndpoints {
  async function send<T>(
    text: string,
    form: Readonly<Record<string, string>>,
    authorization: Secret | null,
    signal: AbortSignal,
    read: (response: HttpResponse, limit: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const url = new URL(text)
    const limit = anySignal([signal, AbortSignal.timeout(TIMEOUT_MS)])
    try {
      const response = await http.request(url, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
        body: Buffer.from(new URLSearchParams(form).toString()),
        authorization,
        maxRedirects: 0,
        timeoutMs: TIMEOUT_MS,
        signal: limit,
      })
      return await read(response, limit)
    } catch (error) {
      signal.throwIfAborted()
      throw unreachable(url, error)
    }
  }

  return {
    async check(text, signal) {
      const url = new URL(text)
      try {
        await http.addressesOf(url, signal)
      } catch (error) {
        if (!(error instanceof HttpFailure)) throw error
        throw new CatwalkError('service_unreachable', error.message, {
          help: 'Give an https address on the public internet, or let the operator trust the origin with CATWALK_ACCOUNT_PROVIDER_ORIGINS.',
          cause: error,
        })
      }
    },
    async ask(text, form, authorization, signal) {
      return send(text, form, authorization, signal, async (response, limit) => {
        const { status } = response
        const body: unknown = await readJson(response, MAX_ANSWER_BYTES).catch((error: unknown) => {
          limit.throwIfAborted()
          if (status >= 400) return {}
          throw error
        })
        const isObject = typeof body === 'object' && body !== null && !Array.isArray(body)
        // An object that JSON was read from.
        return { status, body: isObject ? (body as Record<string, unknown>) : {} }
      })
    },
    async tell(text, form, authorization, signal) {
      return send(text, form, authorization, signal, (response) => {
        response.body.destroy()
        return Promise.resolve(response.status)
      })
    },
  }
}

function unreachable(url: URL, cause: unknown): CatwalkError {
  const why = cause instanceof HttpFailure ? ` ${cause.message}` : ''
  return new CatwalkError('service_unreachable', `${url.host} does not answer as it should.${why}`, { cause })
}
