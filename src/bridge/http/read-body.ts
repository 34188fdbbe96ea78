import type { IncomingMessage } from 'node:http'

/** What all bodies that are being read or handled hold together. */
export interface Inbound {
  bytes: number
}

export type BodyProblem = 'too_large' | 'busy' | 'gone'

/**
 * Reads the body of a request. `done` is called once, with the body or the reason why there is none.
 * @param maxBytes of this body
 * @param maxInboundBytes of all that are being read
 */
export function readBody(
  req: IncomingMessage,
  maxBytes: number,
  inbound: Inbound,
  maxInboundBytes: number,
  done: (body: Buffer | BodyProblem) => void,
): void {
  let only: Buffer | null = null
  let parts: Buffer[] | null = null
  let length = 0

  function finish(result: Buffer | BodyProblem): void {
    inbound.bytes -= length
    req.off('data', data).off('end', end).off('close', close)
    done(result)
  }
  function data(chunk: Buffer): void {
    length += chunk.length
    inbound.bytes += chunk.length
    if (length > maxBytes) return finish('too_large')
    if (inbound.bytes > maxInboundBytes) return finish('busy')
    if (only === null) only = chunk
    else (parts ??= [only]).push(chunk)
  }
  function end(): void {
    finish(parts === null ? (only ?? Buffer.alloc(0)) : Buffer.concat(parts, length))
  }
  function close(): void {
    finish('gone')
  }

  if (Number(req.headers['content-length'] ?? 0) > maxBytes) return done('too_large')
  req.on('data', data).on('end', end).on('close', close)
}
