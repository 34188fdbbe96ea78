import type { IncomingMessage, ServerResponse } from 'node:http'
import type { JsonObject, Manifest } from './manifest.ts'
import type { TokenScope } from './token-scope.ts'

/** Who calls: sessions are bound to the subject, and `calls` rows name it. */
export interface Caller {
  /** Stable text such as `tok_…` or `user_…`; two callers with the same subject may share a session. */
  readonly subject: string
  /** The member on whose behalf it is, by user id; absent when nobody in particular is behind it. */
  readonly person?: string
  readonly requestId: string
  /** The endpoint token or connection that was shown, for records; null for none. */
  readonly tokenId?: string | null
  /** The trace that the request belongs to, 32 hexadecimal digits. */
  readonly traceId?: string
  /** What the caller's token is good for; `full` when it is not said. */
  readonly scope?: TokenScope
  /** `WWW-Authenticate` of the answer to a request that is beyond the scope. */
  readonly challenge?: string
  /** Called once for each JSON-RPC request, when its answer is known. Must not throw and must not wait. */
  readonly report?: (request: RequestReport) => void
}

/** What happened to one JSON-RPC request of a client; never what was in it. */
export interface RequestReport {
  readonly method: string
  /** The tool, prompt or resource that it names. */
  readonly name: string | null
  /** `tool_error`: a result with `isError`. `failed`: the server gave no answer. */
  readonly outcome: 'ok' | 'tool_error' | 'error' | 'cancelled' | 'failed'
  readonly durationMs: number
}

/** The MCP side of a running instance, whether its bridge is in this process or in a machine far away. */
export interface Endpoint {
  /**
   * Answers one HTTP request of an MCP client. Owns `res` until it has ended it. Never throws. When the head of `res` was
   * sent, it is an event stream that kept its client waiting, and goes on as one.
   * @param body of the request, when it was read already
   */
  handle(req: IncomingMessage, res: ServerResponse, caller: Caller, body?: Buffer): void
  /**
   * Sends one request on our own behalf (probe, playground, CLI) and resolves with its `result`.
   * @throws RpcError when the server answers with an error; CatwalkError `server_silent`, `server_exited`,
   *   `server_not_mcp` when there is no answer
   */
  request(method: string, params: JsonObject, caller: Caller, signal: AbortSignal): Promise<JsonObject>
  /**
   * Handshake and every list, following cursors.
   * @throws CatwalkError `server_silent`, `server_exited`, `server_not_mcp`, `server_refused`
   */
  probe(signal: AbortSignal): Promise<Manifest>
}

/** Finds the endpoint of a deployment. */
export interface EndpointDirectory {
  /** The endpoint when an instance answers right now; no waiting, no I/O. */
  ready(deploymentId: string): Endpoint | undefined
  /**
   * Waits until an instance answers.
   * @throws CatwalkError `unavailable`, `deployment_not_running`; the signal's reason when it is aborted
   */
  wake(deploymentId: string, signal: AbortSignal): Promise<Endpoint>
}

/** A stream that a client listens on, and that outlives the instance behind it. */
export interface HeldStream {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly caller: Caller
  /** Of a request of the modern era; null for the stream of a session. */
  readonly body: Buffer | null
}

/** A JSON-RPC error that the server itself answered with. */
export class RpcError extends Error {
  readonly rpcCode: number
  readonly data: unknown

  constructor(rpcCode: number, message: string, data?: unknown) {
    super(message)
    this.name = 'RpcError'
    this.rpcCode = rpcCode
    this.data = data
  }
}
