import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import { anySignal, CatwalkError, RpcError, type CallOutcome, type JsonObject } from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'
import { personOf } from '../person.ts'

const CALL_TIMEOUT_MS = 120_000

/**
 * Calls a tool on behalf of the one who is signed in, as the dashboard and the CLI do.
 * @returns the server's own result, `isError` included
 * @throws CatwalkError `deployment_not_found`, `deployment_not_running`, `unavailable`, `tool_call_failed`
 */
export async function callTool(
  ctx: ServiceContext,
  { params, body }: ParsedInput<'callTool'>,
): Promise<RouteOutput<'callTool'>> {
  const view = await queries.findDeploymentView(ctx.db, ctx.actor.workspaceId, params.id)
  if (view.desired !== 'running' || view.liveNumber === null) {
    throw new CatwalkError('deployment_not_running', `The deployment '${view.slug}' is not running.`)
  }
  const signal = anySignal([ctx.signal, AbortSignal.timeout(CALL_TIMEOUT_MS)])
  const endpoint = await ctx.endpoints.wake(view.id, signal)
  // Arguments came as JSON, so they are JsonValues.
  const call = { name: body.tool, arguments: body.arguments as JsonObject }
  const person = await personOf(ctx)
  const caller = { subject: ctx.actor.id, requestId: ctx.requestId, ...(person === null ? {} : { person }) }
  const startedAt = ctx.clock.now()
  const record = (outcome: CallOutcome): void =>
    ctx.record({
      at: startedAt,
      workspaceId: ctx.actor.workspaceId,
      deploymentId: view.id,
      tokenId: null,
      subject: ctx.actor.id,
      method: 'tools/call',
      name: body.tool,
      outcome,
      durationMs: ctx.clock.now().getTime() - startedAt.getTime(),
      requestId: ctx.requestId,
      traceId: null,
    })
  try {
    const result = await endpoint.request('tools/call', call, caller, signal)
    record(result['isError'] === true ? 'tool_error' : 'ok')
    // The server's own object: passed on as it is, the contract only names the fields that it may have.
    return result
  } catch (error) {
    record(error instanceof RpcError ? 'error' : signal.aborted ? 'cancelled' : 'failed')
    if (error instanceof RpcError) {
      throw new CatwalkError('tool_call_failed', `The server refused the call: ${error.message}`, {
        details: { rpcCode: error.rpcCode },
      })
    }
    throw error
  }
}
