export { createGateway, type Gateway, type GatewayCall, type GatewayOptions } from './gateway.ts'
export { refuseCall } from './refuse.ts'
export type { GatewayLimits } from './limits.ts'
export {
  createRouteTable,
  type GatewayRoute,
  type RouteAuthorization,
  type RouteState,
  type RouteTable,
  type RouteTableOptions,
  type RouteToken,
} from './route-table.ts'
export {
  createCallRecorder,
  type CallCounts,
  type CallRecorder,
  type CallRecorderOptions,
} from './call-recorder.ts'
