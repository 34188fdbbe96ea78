// The dashboard's development server: dev-web.ts PORT API_PORT
import { createServer } from 'vite'

const [port, apiPort] = process.argv.slice(2)
const target = `http://127.0.0.1:${apiPort}`
const server = await createServer({
  root: new URL('../web', import.meta.url).pathname,
  server: {
    port: Number(port),
    strictPort: true,
    // The Host header stays the development server's own, which is the public URL that the program was given.
    proxy: Object.fromEntries(
      ['/api', '/mcp', '/docs', '/healthz', '/readyz', '/metrics'].map((path) => [
        path,
        { target, changeOrigin: false },
      ]),
    ),
  },
})
await server.listen()
process.once('SIGTERM', () => void server.close())
process.once('SIGINT', () => void server.close())
