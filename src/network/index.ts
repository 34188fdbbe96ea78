export {
  connect,
  dialListed,
  dialOnly,
  dialPublic,
  EgressRefusal,
  publicNetwork,
  systemNetwork,
  type Dial,
  type Network,
} from './dial.ts'
export {
  createHttpClient,
  HttpFailure,
  type HttpClient,
  type HttpClientOptions,
  type HttpRequest,
  type HttpResponse,
} from './http.ts'
export { readBytes, readJson } from './read-body.ts'
export { withRetries, type RetryOptions } from './retries.ts'
