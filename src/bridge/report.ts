import type { Caller, RequestReport } from '../domain/index.ts'
import { textOf, type Envelope } from '../protocol/index.ts'

type Outcome = RequestReport['outcome']
/** Says how a request ended; what is said after the first time is not heard. */
export type Report = (outcome: Outcome) => void

const LETTER_T = 0x74

/** How to report the end of a client's request; undefined when nobody wants to know, so that it costs nothing. */
export function reporterOf(caller: Caller, body: Buffer, request: Envelope): Report | undefined {
  const { report } = caller
  if (report === undefined) return undefined
  const startedAt = performance.now()
  const method = textOf(body, request.method) ?? ''
  const name = textOf(body, request.name) ?? textOf(body, request.uri) ?? null
  let reported = false
  return (outcome) => {
    if (reported) return
    reported = true
    report({ method, name, outcome, durationMs: performance.now() - startedAt })
  }
}

/** What an answer of a server amounts to. */
export function outcomeOf(line: Buffer, answer: Envelope): Outcome {
  if (answer.error !== null) return 'error'
  return answer.isError !== null && line[answer.isError.start] === LETTER_T ? 'tool_error' : 'ok'
}
