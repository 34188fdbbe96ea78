export { isAccessToken, openAccessToken, sealAccessToken, type AccessClaims } from './access-token.ts'
export { allowPage, answerPreflight } from './cross-origin.ts'
export { inOrder, insertMembers, removeMember } from './edits.ts'
export { acceptsAnswers, acceptsEvents, isJsonType } from './headers.ts'
export { createLineReader, type LineHandler } from './line-reader.ts'
export { isJsonRpc2, lettersOf, messageKind, ownNumber, textOf, type MessageKind } from './message.ts'
export {
  allowsOrigin,
  hostName,
  isLoopbackHost,
  loopbackPolicy,
  originProblem,
  type OriginPolicy,
} from './origin.ts'
export { mirroredHeaders, mirroredParams, paramHeaderProblem, type MirroredParam } from './param-headers.ts'
export { createHttpSse, HTTP_SSE_SUFFIX } from './http-sse.ts'
export { RPC, rpcError, rpcErrorText } from './rpc-error.ts'
export { META_KEYS, type Envelope, type Span } from './envelope.ts'
export { decodeHeaderValue, encodeHeaderValue } from './header-value.ts'
export { membersOf, scan, ScanError, type ScanFault, type ScanOptions } from './scan.ts'
export { openState, sealState, type RequestState } from './request-state.ts'
export { createSealer, type Sealer } from './sealed.ts'
export { openSession, sealSession, type SessionClaims } from './session-token.ts'
export { offsetInWhole, skeletonOf } from './skeleton.ts'
export { byteLength, splice, spliceParts, toBytes, wrap, type Bytes, type Edit } from './splice.ts'
export { SSE_HEADERS, SSE_KEEP_ALIVE, sseEvent, sseMessage, ssePriming } from './sse.ts'
export {
  hasBatches,
  hasPrimingEvent,
  isLegacyVersion,
  isModernVersion,
  LATEST_LEGACY,
  LATEST_MODERN,
  LEGACY_VERSIONS,
  MODERN_VERSIONS,
  negotiate,
  TASKS_EXTENSION,
  type LegacyVersion,
} from './versions.ts'
