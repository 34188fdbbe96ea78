import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { ClientCapabilities } from '@modelcontextprotocol/sdk/types.js'
import { until } from './until.ts'

/** The official SDK's client, connected to an endpoint over Streamable HTTP. */
export async function connectClient(
  endpoint: string,
  token: string,
  capabilities: ClientCapabilities = {},
): Promise<Client & AsyncDisposable> {
  const client = new Client({ name: 'catwalk-test', version: '1' }, { capabilities })
  const transport = new StreamableHTTPClientTransport(new URL(endpoint), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
  })
  await client.connect(transport)
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() })
}

/** The same as soon as the endpoint is open: a gateway hears a moment after the API that a deployment runs. */
export async function connectWhenOpen(
  endpoint: string,
  token: string,
  capabilities?: ClientCapabilities,
): Promise<Client & AsyncDisposable> {
  return until('the endpoint is open', async () => {
    try {
      return await connectClient(endpoint, token, capabilities)
    } catch (error) {
      if (String(error).includes('being set up') || String(error).includes('stopped by its owner'))
        return null
      throw error
    }
  })
}
