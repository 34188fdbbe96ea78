import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import { duplexPair } from 'node:stream'
import type { Caller, JsonObject } from '../domain/index.ts'
import { encodeHeaderValue, LATEST_MODERN, META_KEYS } from '../protocol/index.ts'

/** Hands a request on to a deployment, as the gateway does with one from outside. Owns `res`; never throws. */
export type Forward = (
  deploymentId: string,
  req: IncomingMessage,
  res: ServerResponse,
  caller: Caller,
) => void

/** What a request of the modern era repeats in its headers. */
export interface Repeated {
  readonly method: string
  readonly name?: string | undefined
  readonly version?: string | undefined
  /** `mcp-param-…` */
  readonly params?: Readonly<Record<string, string>>
}

/** Sends requests of the modern era to deployments. */
export interface InnerClient {
  /**
   * Resolves with the head of the answer. Aborting `signal` cancels the call, also while the answer is read.
   * @throws Error when it is cut off or aborted
   */
  post(
    deploymentId: string,
    caller: Caller,
    repeated: Repeated,
    body: Buffer,
    signal: AbortSignal,
  ): Promise<IncomingMessage>
}

/** `_meta` of requests of our own, for clients that declare these capabilities. */
export function ourMeta(declared: JsonObject = {}): JsonObject {
  return {
    [META_KEYS.version]: LATEST_MODERN,
    [META_KEYS.client]: { name: 'catwalk', version: '1' },
    [META_KEYS.capabilities]: declared,
  }
}

/**
 * HTTP within this process, without a socket: endpoints take Node's own requests and responses, so that is what they
 * get, with everything that they rely on (back-pressure, headers that wait, a client that goes away).
 */
export function createInnerClient(forward: Forward): InnerClient {
  const targets = new WeakMap<object, { readonly deploymentId: string; readonly caller: Caller }>()
  const server = createServer({ requestTimeout: 0, headersTimeout: 0 }, (req, res) => {
    const target = targets.get(req.socket)
    if (target === undefined) res.destroy()
    else forward(target.deploymentId, req, res, target.caller)
  })
  return {
    post(deploymentId, caller, { method, name, version = LATEST_MODERN, params }, body, signal) {
      const [near, far] = duplexPair()
      targets.set(far, { deploymentId, caller })
      near.on('error', () => undefined).once('close', () => far.destroy())
      far
        .on('error', () => undefined)
        .once('close', () => {
          if (!far.writableFinished) near.destroy()
        })
      // Documented for any duplex stream (node:http, 'connection').
      server.emit('connection', far)
      const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
      const sent = request(
        {
          method: 'POST',
          path: '/mcp',
          createConnection: () => near,
          headers: {
            host: 'member',
            connection: 'close',
            accept: 'application/json, text/event-stream',
            'content-type': 'application/json',
            'content-length': body.length,
            'mcp-protocol-version': version,
            'mcp-method': method,
            ...(name === undefined ? {} : { 'mcp-name': encodeHeaderValue(name) }),
            ...params,
          },
          signal,
        },
        resolve,
      )
      sent.on('error', reject)
      sent.end(body)
      return promise
    },
  }
}
