export { ApiError, createApiClient, readApiError, type ApiClient, type ApiClientOptions } from './client.ts'
export {
  routes,
  type ParsedInput,
  type Route,
  type RouteInput,
  type RouteName,
  type RouteOutput,
  type Routes,
} from './routes.ts'
export * as schemas from './schemas.ts'
