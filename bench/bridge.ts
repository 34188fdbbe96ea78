// Our bridge in front of the bench's stdio server, in a process of its own. Prints the endpoint's URL.
import { fileURLToPath } from 'node:url'
import { startBridgeServer } from '../src/bridge/index.ts'

const server = await startBridgeServer({
  command: [process.execPath, fileURLToPath(new URL('stdio-server.ts', import.meta.url))],
  port: 0,
  host: '127.0.0.1',
})
process.stdout.write(`${server.url}\n`)
process.once('SIGTERM', () => void server.close(1000))
