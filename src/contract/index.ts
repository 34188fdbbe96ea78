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
export { API_SCOPES, type ApiScope, type RouteScope } from './api-scopes.ts'
export { accountRoutes } from './account-routes.ts'
export { DEPLOYMENT_FILE_VERSION, DeploymentFile } from './deployment-file.ts'
export { isHostRule, readHosts, type NetworkPolicy } from './network-policy.ts'
export { deviceRoutes } from './device-routes.ts'
export { passkeyName, signInRoutes } from './sign-in-routes.ts'
export * as accountSchemas from './account-schemas.ts'
export * as schemas from './schemas.ts'
export {
  claudeCodeLine,
  cursorLink,
  mcpServersJson,
  SIGN_IN_STEPS,
  TOKEN_PLACEHOLDER,
  vsCodeJson,
  vsCodeLine,
  vsCodeLink,
  type ConnectTarget,
  type SignInClient,
} from './connect-lines.ts'
