export { ApiError, createApiClient, type ApiClient, type ApiClientOptions } from './client.ts'
export {
  routes,
  type Route,
  type RouteInput,
  type RouteName,
  type RouteOutput,
  type Routes,
} from './routes.ts'
export * as schemas from './schemas.ts'
