import { fileURLToPath } from 'node:url'
import { build, preview } from 'vite'
import { startFakeApi, type FakeApi, type FakeApiOptions } from '../../fakes/api.ts'

const WEB = fileURLToPath(new URL('../../../web', import.meta.url))

/** The policy that the program answers pages with. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

export interface Dashboard extends AsyncDisposable {
  readonly origin: string
  readonly api: FakeApi
}

/** Builds the dashboard into a folder of the test's own: with React's own checks, which a test run turns on. */
export async function buildDashboard(outDir: string): Promise<void> {
  await build({ root: WEB, logLevel: 'error', build: { outDir, emptyOutDir: true } })
}

/** Serves a built dashboard in front of the fake API, signed in. */
export async function startDashboard(outDir: string, options: FakeApiOptions): Promise<Dashboard> {
  const api = await startFakeApi(options)
  const server = await preview({
    root: WEB,
    logLevel: 'warn',
    build: { outDir },
    preview: {
      port: 0,
      host: '127.0.0.1',
      headers: { 'content-security-policy': POLICY },
      proxy: { '/api': { target: api.origin, headers: { authorization: `Bearer ${api.apiKey}` } } },
    },
  })
  const address = server.httpServer.address()
  if (address === null || typeof address === 'string') throw new Error('the dashboard has no port')
  return {
    origin: `http://127.0.0.1:${address.port}`,
    api,
    async [Symbol.asyncDispose]() {
      await server.close()
      await api[Symbol.asyncDispose]()
    },
  }
}
