import { RPC } from '../protocol/index.ts'
import type { BridgeContext } from './context.ts'
import { refuseRequest, type Exchange } from './exchange.ts'
import type { ModernRequest } from './modern-request.ts'
import type { Upstream } from './upstream.ts'

export function callLegacy(
  _c: BridgeContext,
  exchange: Exchange,
  request: ModernRequest,
  _u: Upstream,
): void {
  refuseRequest(
    exchange,
    request.id,
    RPC.serverError,
    'Unsupported protocol version (supported: 2025-11-25). Start with "initialize".',
  )
}
