import { once } from 'node:events'
import { createServer as createPlainServer, type AddressInfo } from 'node:net'
import { request } from 'node:http'
import { createServer } from 'node:https'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeCertificate } from '../support/certificate.ts'
import { startProgram, type Program } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { launchBrowser } from './support/browser.ts'

const owner = { name: 'Ana Lindqvist', email: 'ana@example.com', password: 'a long enough password' }

const owned = new AsyncDisposableStack()
let program: Program
let origin = ''

beforeAll(async () => {
  const { key, certificate } = await makeCertificate(
    owned.use(await temporaryDirectory()).path,
    'DNS:localhost',
  )
  // As a reverse proxy on the same machine, with TLS in front of a program that listens on loopback.
  let target = 0
  const proxy = createServer({ key, cert: certificate }, (req, res) => {
    const headers = {
      ...req.headers,
      'x-forwarded-for': req.socket.remoteAddress,
      'x-forwarded-proto': 'https',
    }
    const passed = request(
      { host: '127.0.0.1', port: target, method: req.method, path: req.url, headers },
      (answer) => {
        res.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(res)
      },
    )
    passed.on('error', () => res.destroy())
    res.on('close', () => passed.destroy())
    req.pipe(passed)
  })
  await once(proxy.listen(0, '127.0.0.1'), 'listening')
  owned.defer(() => {
    proxy.closeAllConnections()
    proxy.close()
  })
  target = await freePort()
  // A server that listens on TCP has an address with a port.
  origin = `https://localhost:${(proxy.address() as AddressInfo).port}`
  program = owned.use(
    await startProgram({
      flags: ['--port', String(target)],
      env: { CATWALK_PUBLIC_URL: origin, CATWALK_TRUSTED_PROXIES: 'loopback' },
    }),
  )
})
afterAll(() => owned.disposeAsync())

async function freePort(): Promise<number> {
  const server = createPlainServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

test('behind a proxy with TLS the dashboard works under its strict policy, with a cookie that no neighbour can plant', async () => {
  const browser = await launchBrowser()
  owned.defer(() => browser.close())
  const context = await browser.newContext({ ignoreHTTPSErrors: true })
  const page = await context.newPage()
  const problems: string[] = []
  page.on('console', (message) => void (message.type() === 'error' && problems.push(message.text())))
  page.on('pageerror', (error) => void problems.push(error.message))
  const link = new URL(program.setUpLink ?? '')
  expect(link.origin).toBe(origin)
  const response = await page.goto(link.href)
  const headers = response?.headers() ?? {}
  expect(headers['strict-transport-security']).toBe('max-age=31536000')
  expect(headers['content-security-policy']).toMatch(
    /default-src 'none'; script-src 'self';.*frame-ancestors 'none'/,
  )
  expect(headers['content-security-policy']).not.toContain('unsafe')
  await page.getByLabel('Name').fill(owner.name)
  await page.getByLabel('Email').fill(owner.email)
  await page.getByLabel('Password', { exact: true }).fill(owner.password)
  await page.getByRole('button', { name: 'Make the account' }).click()
  await page.getByRole('heading', { name: 'Paste a link, get an endpoint' }).waitFor()
  expect(await context.cookies()).toMatchObject([
    {
      name: '__Host-catwalk.session_token',
      domain: 'localhost',
      path: '/',
      secure: true,
      httpOnly: true,
      sameSite: 'Lax',
    },
  ])
  expect(await page.evaluate('document.cookie')).toBe('')
  await page.goto(`${origin}/account`)
  await page.getByText('This browser').waitFor()
  expect(problems).toEqual([])
})
