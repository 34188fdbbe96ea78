import type { IncomingMessage, ServerResponse } from 'node:http'
import { networkInterfaces } from 'node:os'
import { anySignal, CatwalkError, Secret, type Endpoint, type EndpointDirectory } from '../domain/index.ts'
import {
  createEndpointClient,
  hasSecret,
  serveClient,
  serveEndpoint,
  type EndpointAction,
} from '../forwarding/index.ts'
import type { GatewayRoute, RouteTable } from '../gateway/index.ts'
import type { Vault } from '../vault/index.ts'

const PREFIX = '/internal/endpoints/'
const PATH = /^\/internal\/endpoints\/((?:dep|col)_[0-9a-z]{26})\/(mcp|request|probe)$/

export interface NodeAddress {
  readonly nodeId: string
  readonly address: string
}

export interface ReplicaOptions {
  readonly nodeId: string
  readonly vault: Pick<Vault, 'derive'>
  readonly routes: RouteTable
  /** The instances of this node. */
  readonly local: EndpointDirectory
  /** What answers for a collection on this node, for whom another one sent here; undefined for anything else. */
  readonly collections: (id: string) => Pick<Endpoint, 'handle'> | undefined
}

/** The instances of all nodes, as this one reaches them. */
export interface Replicas extends Disposable {
  readonly directory: EndpointDirectory
  /** What answers for a collection on another node. */
  collectionAt(node: NodeAddress, id: string): Pick<Endpoint, 'handle'>
  /** Whether a request comes from another node. It must then be given to {@link Replicas.handle}. */
  isInternal(req: IncomingMessage): boolean
  handle(req: IncomingMessage, res: ServerResponse): void
}

/**
 * Calls for an instance of another node go to that node; it is never started a second time for them. Nodes know each
 * other by a secret that each derives for itself, because all have the same vault.
 */
export function createReplicas({ nodeId, vault, routes, local, collections }: ReplicaOptions): Replicas {
  const secretOf = (node: string) => new Secret(vault.derive(`node/${node}`, 32).toString('base64url'))
  const own = secretOf(nodeId)
  const client = createEndpointClient({
    unreachable: { code: 'node_lost', message: 'The machine that runs the server does not answer.' },
  })
  // A route is made anew at each change, and its endpoint with it.
  const endpoints = new WeakMap<GatewayRoute, Endpoint>()

  const at = (node: NodeAddress, id: string): Endpoint =>
    client.connect(new URL(PREFIX + id, node.address), secretOf(node.nodeId))

  function elsewhere(deploymentId: string): Endpoint | undefined {
    const route = routes.ofDeployment(deploymentId)
    const owner = route?.owner
    if (route === undefined || !owner || owner.nodeId === nodeId) return undefined
    const known = endpoints.get(route)
    if (known !== undefined) return known
    const endpoint = at(owner, deploymentId)
    endpoints.set(route, endpoint)
    return endpoint
  }

  /** Another node's route says that it is here: perhaps it just fell asleep, or is being started. */
  async function wakeHere(deploymentId: string, res: ServerResponse): Promise<Endpoint | undefined> {
    const owner = routes.ofDeployment(deploymentId)?.owner
    if (routes.ofDeployment(deploymentId) === undefined || (owner && owner.nodeId !== nodeId))
      return undefined
    const gone = new AbortController()
    const abort = (): void => gone.abort()
    res.once('close', abort)
    try {
      return await local.wake(deploymentId, gone.signal)
    } catch {
      return undefined
    } finally {
      res.off('close', abort)
    }
  }

  async function serveWoken(
    deploymentId: string,
    action: EndpointAction,
    req: IncomingMessage,
    res: ServerResponse,
  ): Promise<void> {
    const endpoint = await wakeHere(deploymentId, res)
    if (endpoint !== undefined) return serveEndpoint(endpoint, action, req, res)
    if (!res.destroyed)
      res.writeHead(503, { 'content-type': 'application/json', 'retry-after': '1' }).end(MOVED)
  }

  const directory: EndpointDirectory = {
    ready: (deploymentId) => local.ready(deploymentId) ?? elsewhere(deploymentId),
    async wake(deploymentId, signal) {
      const there = elsewhere(deploymentId)
      if (there !== undefined) return there
      const found = Promise.withResolvers<Endpoint>()
      let before = routes.ofDeployment(deploymentId)
      const unwatch = routes.onChange(() => {
        const endpoint = elsewhere(deploymentId)
        const route = routes.ofDeployment(deploymentId)
        const hasFailed = (route?.failures ?? 0) > (before?.failures ?? 0)
        // Of one that ran here this node hears at first hand, and starts it again.
        const ranHere = before?.owner?.nodeId === nodeId
        before = route
        if (endpoint !== undefined) found.resolve(endpoint)
        // Whichever node starts it, all who wait hear that it failed.
        else if (hasFailed && !ranHere) found.reject(notStarted())
      })
      const enough = new AbortController()
      const here = local.wake(deploymentId, anySignal([signal, enough.signal]))
      here.catch(() => undefined)
      try {
        return await Promise.race([here, found.promise])
      } finally {
        unwatch()
        enough.abort()
      }
    },
  }

  return {
    directory,
    collectionAt: at,
    isInternal: (req) => req.url?.startsWith(PREFIX) === true,
    handle(req, res) {
      const [, deploymentId, action] = PATH.exec(req.url ?? '') ?? []
      // To anybody without the secret there is nothing here.
      if (!hasSecret(req, own) || deploymentId === undefined) return void res.writeHead(404).end()
      const collection = collections(deploymentId)
      if (collection !== undefined && action === 'mcp') return serveClient(collection, req, res)
      const endpoint = local.ready(deploymentId)
      // The pattern allows no other words.
      const asked = action as EndpointAction
      if (endpoint === undefined) void serveWoken(deploymentId, asked, req, res)
      else serveEndpoint(endpoint, asked, req, res)
    },
    [Symbol.dispose]: () => client[Symbol.dispose](),
  }
}

const MOVED =
  '{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"The server is being started or moved. Try again in a moment."}}'

function notStarted(): CatwalkError {
  return new CatwalkError('wake_failed', 'The server could not be started.')
}

/** Where other nodes reach a listener: its own address, or for one on all addresses the first that leads here. */
export function internalUrl(given: string | null, host: string, port: number): string {
  if (given !== null) return given
  const isEverywhere = host === '0.0.0.0' || host === '::'
  const outside = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)
  const name = isEverywhere ? (outside?.address ?? '127.0.0.1') : host
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`
}
