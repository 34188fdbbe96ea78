import type { Caller, CallRecord, Logger, RequestReport } from '../domain/index.ts'
import type { Admission } from './admit.ts'

/** One HTTP request that was let in. */
export interface Call {
  readonly caller: Caller
  /** The gateway or the bridge did not let it through to the server. */
  turnedAway(outcome: 'limited' | 'unavailable', durationMs: number): void
}

/** Names the caller to the endpoint, and makes a record and a line in the log of what the endpoint reports. */
export function startCall(
  { route, principal }: Admission,
  requestId: string,
  traceId: string,
  { logger, onRequest }: { readonly logger: Logger; readonly onRequest?: (call: CallRecord) => void },
): Call {
  let reported = false

  function record(
    report: Pick<RequestReport, 'durationMs'> & Pick<CallRecord, 'method' | 'name' | 'outcome'>,
  ): void {
    reported = true
    const call: CallRecord = {
      at: new Date(Date.now() - report.durationMs),
      workspaceId: route.workspaceId,
      deploymentId: route.deploymentId,
      tokenId: principal.tokenId,
      subject: principal.subject,
      method: report.method,
      name: report.name,
      outcome: report.outcome,
      durationMs: report.durationMs,
      requestId,
      traceId,
    }
    // What a caller can bring about at will must not fill the log.
    if (call.outcome === 'failed') logger.info(call, 'call')
    else logger.debug(call, 'call')
    onRequest?.(call)
  }

  return {
    caller: {
      subject: principal.subject,
      ...(principal.person === undefined ? {} : { person: principal.person }),
      requestId,
      tokenId: principal.tokenId,
      traceId,
      scope: principal.scope,
      ...(principal.challenge === undefined ? {} : { challenge: principal.challenge }),
      // What is asked of a collection is asked of its members, where it is recorded.
      ...(route.collection === undefined ? { report: record } : {}),
    },
    turnedAway(outcome, durationMs) {
      if (!reported) record({ method: null, name: null, outcome, durationMs })
    },
  }
}
