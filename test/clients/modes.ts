import type { Era } from '../../src/bridge/processes/era.ts'
import * as first from './first-sdk.ts'
import type { Connect } from './official-client.ts'
import * as second from './second-sdk.ts'

export interface Mode {
  readonly name: string
  readonly connect: Connect
  /** How it speaks with an endpoint of both eras. */
  readonly era: Era
  /** Whether a stream that was cut can be taken up again; the deprecated transport and the modern era have no way to. */
  readonly resumes: boolean
  /** Whether the session goes on on another connection. */
  readonly outlives: boolean
  /**
   * Whether it misses a step of progress that comes in one packet with the response: its parser hands on both in one go,
   * and it takes a response up at once, a notification in the next microtask.
   */
  readonly missesLastStep: boolean
}

const streamable = { era: 'legacy', resumes: true, outlives: true, missesLastStep: false } as const
const httpSse = { era: 'legacy', resumes: false, outlives: false, missesLastStep: true } as const
const modern = { era: 'modern', resumes: false, outlives: true, missesLastStep: false } as const

/** The official clients in every mode that they have over HTTP. */
export const MODES: readonly Mode[] = [
  { name: 'sdk 1.32 over Streamable HTTP', connect: first.overStreamableHttp, ...streamable },
  { name: 'sdk 1.32 over HTTP+SSE', connect: first.overHttpSse, ...httpSse },
  { name: 'client 2.4, legacy', connect: second.negotiating('legacy'), ...streamable },
  { name: 'client 2.4, legacy over HTTP+SSE', connect: second.overHttpSse('legacy'), ...httpSse },
  { name: 'client 2.4, negotiating', connect: second.negotiating('auto'), ...modern },
  { name: 'client 2.4, negotiating over HTTP+SSE', connect: second.overHttpSse('auto'), ...httpSse },
  { name: 'client 2.4, pinned', connect: second.negotiating({ pin: '2026-07-28' }), ...modern },
  { name: 'client 2.4, told before', connect: second.withPrior, ...modern },
]
