export { createEndpointClient, type EndpointClient, type EndpointClientOptions } from './client.ts'
export { hasSecret, serveEndpoint, type EndpointAction } from './server.ts'
