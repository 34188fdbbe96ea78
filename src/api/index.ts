export { createAccountHandlers, type AccountServices } from './account-handlers.ts'
export { createApi, type ApiOptions, type Readiness } from './create-api.ts'
export type { Handlers, PublicContext, RequestContext, StreamOf } from './handlers.ts'
export { openApiDocument } from './openapi.ts'
