import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import { CatwalkError, RpcError, type JsonObject } from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'

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
  const signal = AbortSignal.any([ctx.signal, AbortSignal.timeout(CALL_TIMEOUT_MS)])
  const endpoint = await ctx.endpoints.wake(view.id, signal)
  // Arguments came as JSON, so they are JsonValues.
  const call = { name: body.tool, arguments: body.arguments as JsonObject }
  const caller = { subject: ctx.actor.id, requestId: ctx.requestId }
  try {
    // The server's own object: passed on as it is, the contract only names the fields that it may have.
    return await endpoint.request('tools/call', call, caller, signal)
  } catch (error) {
    if (error instanceof RpcError) {
      throw new CatwalkError('tool_call_failed', `The server refused the call: ${error.message}`, {
        details: { rpcCode: error.rpcCode },
      })
    }
    throw error
  }
}
