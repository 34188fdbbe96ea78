import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

/** The official SDK's client, connected to an endpoint over Streamable HTTP. */
export async function connectClient(endpoint: string, token: string): Promise<Client & AsyncDisposable> {
  const client = new Client({ name: 'catwalk-test', version: '1' })
  const transport = new StreamableHTTPClientTransport(new URL(endpoint), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
  })
  await client.connect(transport)
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() })
}
