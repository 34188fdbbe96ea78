import type { IncomingMessage, ServerResponse } from 'node:http'
import { CatwalkError, newId, type ReplicaRole } from '../domain/index.ts'
import { refuseCall } from '../gateway/index.ts'

type Answer = (req: IncomingMessage, res: ServerResponse) => void

/** Who answers what. */
export interface Answering {
  /** Of each request but those of whoever looks after the machine, before it is answered. */
  readonly saw: (res: ServerResponse, isInternal: boolean) => void
  readonly roles: readonly ReplicaRole[]
  readonly gateway: Answer
  readonly api: Answer
  /** Requests of other replicas, which prove themselves. */
  readonly replicas: { isInternal(req: IncomingMessage): boolean; handle: Answer }
}

/** Whoever looks after the machine asks each replica. */
const OPERATIONAL: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics'])

/** Gives each request to the part that answers it; what this replica does not do is refused with the fix. */
export function answerByRole({ saw, roles, gateway, api, replicas }: Answering): Answer {
  const has = (role: ReplicaRole): boolean => roles.includes(role)
  return (req, res) => {
    const url = req.url ?? ''
    const isOperational = OPERATIONAL.has(url.split('?', 1)[0] ?? '')
    const isInternal = replicas.isInternal(req)
    if (!isOperational) saw(res, isInternal)
    if (isInternal) return replicas.handle(req, res)
    if (isEndpoint(url)) return has('gateway') ? gateway(req, res) : refuse(res, 'endpoints')
    return has('api') || isOperational ? api(req, res) : refuse(res, 'the API and the dashboard')
  }
}

function refuse(res: ServerResponse, what: string): void {
  const requestId = newId('request')
  refuseCall(res, requestId, new CatwalkError('wrong_replica', `This replica does not serve ${what}.`))
}

/** Discovery stands below an endpoint's address, but the gateway has nothing to do with it. */
function isEndpoint(url: string): boolean {
  return url.startsWith('/mcp/') && !/^\/mcp\/[^/?]+\/\.well-known\//.test(url)
}
