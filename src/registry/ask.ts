import { anySignal, RegistryFailure } from '../domain/index.ts'
import { HttpFailure, readJson, withRetries, type HttpClient } from '../network/index.ts'

const TIMEOUT_MS = 10_000
/** For one page with all its attempts, its body included. */
const LIMIT_MS = 45_000
const MAX_PAGE_BYTES = 16 * 1024 * 1024

/**
 * A JSON answer of a registry; null for 404.
 * @throws RegistryFailure
 */
export async function ask(http: HttpClient, url: URL, signal: AbortSignal): Promise<unknown> {
  const limited = anySignal([signal, AbortSignal.timeout(LIMIT_MS)])
  try {
    const response = await withRetries(
      () =>
        http.request(url, {
          headers: { accept: 'application/json' },
          timeoutMs: TIMEOUT_MS,
          signal: limited,
        }),
      { signal: limited },
    )
    const { status } = response
    if (status === 200) return await readJson(response, MAX_PAGE_BYTES)
    response.body.destroy()
    if (status === 404) return null
    throw new RegistryFailure(`${url.host} answers with status ${status}.`, {
      isRefusal: status >= 400 && status < 500 && status !== 408 && status !== 429,
    })
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof RegistryFailure) throw error
    if (error instanceof HttpFailure) throw new RegistryFailure(error.message, { cause: error })
    if (limited.aborted) throw new RegistryFailure(`${url.host} does not answer in time.`, { cause: error })
    throw error
  }
}
