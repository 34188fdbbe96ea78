import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createBridge, spawnPlain, type Bridge } from '../../src/bridge/index.ts'
import { startCollection } from '../../src/collections/index.ts'
import type {
  Caller,
  Endpoint,
  Manifest,
  RequestReport,
  ToolListing,
  ToolRules,
} from '../../src/domain/index.ts'
import { createHttpSse, HTTP_SSE_SUFFIX, RPC, rpcErrorText } from '../../src/protocol/index.ts'
import { fixturePath } from '../conformance/package-fixture.ts'
import type { Fixture } from '../conformance/vocabulary.ts'

export interface HouseOptions {
  /** Prefix and server of each member, in order. */
  readonly members: readonly (readonly [prefix: string, server: Fixture])[]
  readonly listing?: ToolListing
  readonly searchOver?: number
  /** What owners set for tools of members, by prefix. */
  readonly rules?: ReadonlyMap<string, ToolRules | null>
  /** What was recorded of members, by prefix. */
  readonly recorded?: ReadonlyMap<string, Manifest>
}

/** A collection with real servers behind their bridges, as the gateway puts them together, without a database. */
export interface House extends AsyncDisposable {
  /** Of the collection, for Streamable HTTP. */
  readonly url: string
  /** Of the members, by prefix. */
  readonly bridges: ReadonlyMap<string, Bridge>
  /** What was reported of calls of members: prefix, subject, tool and outcome. */
  readonly reports: readonly string[]
  /** Puts something in the place of a member's bridge. */
  replace(prefix: string, endpoint: Pick<Endpoint, 'handle'>): void
}

const CALLER: Caller = { subject: 'tok_1', requestId: 'req_1', tokenId: 'tok_1', scope: 'full' }

export async function startHouse({
  members,
  listing = 'flat',
  searchOver = 60,
  rules = new Map(),
  recorded = new Map(),
}: HouseOptions): Promise<House> {
  await using stack = new AsyncDisposableStack()
  const bridges = new Map<string, Bridge>()
  const endpoints = new Map<string, Pick<Endpoint, 'handle'>>()
  const reports: string[] = []
  const open = async (id: string, launch: Parameters<typeof createBridge>[0]['launch'], era?: 'modern') => {
    const bridge = await createBridge(
      {
        launch,
        sealKey: randomBytes(32),
        deploymentId: id,
        output: () => undefined,
        tools: {
          rules: rules.get(id) ?? null,
          saw: () => undefined,
          knows: () => true,
          offered: () => undefined,
          onChange: () => () => undefined,
        },
        ...(era === undefined ? {} : { era, processes: 'shared' as const }),
      },
      new AbortController().signal,
    )
    stack.defer(() => bridge.stop(0))
    return bridge
  }
  for (const [prefix, server] of members) {
    const bridge = await open(prefix, () =>
      spawnPlain({ command: process.execPath, args: [fixturePath(server)] }),
    )
    bridges.set(prefix, bridge)
    endpoints.set(prefix, bridge)
  }
  const server = startCollection({
    collection: {
      name: 'House',
      listing,
      searchOver,
      members: members.map(([prefix]) => ({ deploymentId: prefix, prefix })),
    },
    forward(deploymentId, req, res, caller) {
      const endpoint = endpoints.get(deploymentId)
      if (endpoint === undefined) res.destroy()
      else endpoint.handle(req, res, caller)
    },
    isThere: (deploymentId) => endpoints.has(deploymentId),
    known: {
      recorded: async (deploymentId) => recorded.get(deploymentId) ?? null,
      isSame: () => false,
    },
    report: (deploymentId, caller, report: RequestReport) =>
      reports.push(`${deploymentId} ${caller.subject} ${report.name ?? ''} ${report.outcome}`),
    maxMessageBytes: 4 * 1024 * 1024,
    hasChanged: false,
    failed: (error) => reports.push(`failed: ${String(error)}`),
  })
  const collection = await open('collection', () => Promise.resolve(server), 'modern')
  const httpSse = createHttpSse()
  const pass = (req: IncomingMessage, res: ServerResponse): void => collection.handle(req, res, CALLER)
  const http = createServer({ requestTimeout: 0 }, (req, res) => {
    if (req.url?.includes(HTTP_SSE_SUFFIX) === true) httpSse.handle(req, res, 'tok_1', pass)
    else pass(req, res)
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  stack.defer(() => http.closeAllConnections())
  stack.defer(() => void http.close())
  // A server that listens on TCP has an address with a port.
  const { port } = http.address() as AddressInfo
  const owned = stack.move()
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    bridges,
    reports,
    replace: (prefix, endpoint) => endpoints.set(prefix, endpoint),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** What the gateway answers for a deployment that does not run. */
export const stopped: Pick<Endpoint, 'handle'> = {
  handle(_req, res) {
    const body = rpcErrorText(null, RPC.serverError, 'The deployment was stopped by its owner.')
    res.writeHead(503, { 'content-type': 'application/json', 'retry-after': '5' }).end(body)
  },
}
