import { once } from 'node:events'
import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Balancer extends AsyncDisposable {
  readonly origin: string
  /** Where it sends requests, in turn. May be changed at any time. */
  targets: readonly string[]
}

const ASK_MS = 100

/**
 * A plain load balancer: requests go to its targets in turn, over connections that it keeps, but to none that has just said
 * that it is not ready. Only what could not be sent, because there is no connection, goes to the next target; all else is
 * passed on as it is, and a connection that breaks is an answer of 502.
 */
export async function startBalancer(targets: readonly string[]): Promise<Balancer> {
  const agent = new Agent({ keepAlive: true })
  const away = new Set<string>()
  let turn = 0

  async function ask(target: string): Promise<void> {
    const answer = await fetch(`${target}/readyz`).catch(() => null)
    if (answer?.ok === true) away.delete(target)
    else away.add(target)
  }
  const asking = setInterval(() => {
    for (const target of balancer.targets) void ask(target)
  }, ASK_MS)

  async function pass(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const body = Buffer.concat(await req.toArray())
    const ready = balancer.targets.filter((target) => !away.has(target))
    const all = ready.map((_, index) => ready[(turn + index) % ready.length] ?? '')
    turn += 1
    let last: unknown
    for (const target of all) {
      try {
        const { method = 'GET', headers, url = '/' } = req
        const { host } = new URL(target)
        const sent = request(new URL(url, target), { method, agent, headers: { ...headers, host } }).end(body)
        const [answer] = (await once(sent, 'response')) as [IncomingMessage]
        const { connection: _own, 'keep-alive': _howLong, ...kept } = answer.headers
        res.writeHead(answer.statusCode ?? 502, kept)
        answer.pipe(res)
        return
      } catch (error) {
        last = error
        if (!(error instanceof Error && 'syscall' in error && error.syscall === 'connect')) break
      }
    }
    res.writeHead(502).end(String(last))
  }

  const server = createServer((req, res) => void pass(req, res).catch(() => res.destroy()))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const balancer: Balancer = {
    origin: `http://127.0.0.1:${port}`,
    targets,
    async [Symbol.asyncDispose]() {
      clearInterval(asking)
      agent.destroy()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return balancer
}
