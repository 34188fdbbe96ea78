export {
  createEndpointClient,
  type EndpointClient,
  type EndpointClientOptions,
  type FarEndpoint,
} from './client.ts'
export { errorMessage, resultOf, type Message } from './messages.ts'
export { hasSecret, serveClient, serveEndpoint, type EndpointAction } from './server.ts'
