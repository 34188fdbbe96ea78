import type { Caller, CollectionMember, RequestReport } from '../domain/index.ts'
import {
  inOrder,
  lettersOf,
  messageKind,
  mirroredHeaders,
  mirroredParams,
  RPC,
  scan,
  splice,
  TASKS_EXTENSION,
  textOf,
  type Bytes,
  type Edit,
} from '../protocol/index.ts'
import { letters } from './json.ts'
import type { InnerClient, Repeated } from './inner-client.ts'
import type { Members } from './members.ts'
import { messagesOf } from './read-answer.ts'
import { askingFor, declaredIn, type Request } from './request.ts'

export interface Passing {
  readonly client: InnerClient
  readonly members: Members
  readonly maxMessageBytes: number
  /** Told what became of a call of a member. Must not throw and must not wait. */
  readonly report: (deploymentId: string, caller: Caller, report: RequestReport) => void
}

/** What changes in a request on its way to a member. */
export interface Change {
  readonly edits: readonly Edit[]
  /** What `Mcp-Name` says. */
  readonly name?: string
  readonly params?: Readonly<Record<string, string>>
}

const MEMBER_SCAN = { maxDepth: 1000, trusted: true } as const
const NO_SUCH_RESOURCE: ReadonlySet<number> = new Set([RPC.resourceNotFound, RPC.invalidParams])

/**
 * Passes a request on to a member, byte for byte but for the change, and everything that the member says to it back: the
 * bridge has put a number in the place of its id and progress token, which both sides keep.
 * @param isLast otherwise an answer that the member has no such resource is not passed back, but makes this false
 * @returns whether it was answered
 */
export async function passOn(
  passing: Passing,
  request: Request,
  member: CollectionMember,
  change: Change,
  isLast = true,
): Promise<boolean> {
  const { line, envelope, method, signal } = request
  const repeated: Repeated = {
    method,
    name: change.name,
    version: textOf(line, envelope.metaVersion),
    ...(change.params === undefined ? {} : { params: change.params }),
  }
  const body = toBuffer(splice(line, envelope, inOrder([...withoutTasks(request), ...change.edits])))
  const caller = asMember(passing, request, member)
  const startedAt = performance.now()
  const answer = await passing.client.post(member.deploymentId, caller, repeated, body, signal)
  for await (const message of messagesOf(answer, passing.maxMessageBytes)) {
    const heard = scan(message, MEMBER_SCAN)
    if ('length' in heard) continue
    // An error without an id answers this request too: it was turned away before anybody read it.
    if (messageKind(message, heard) !== 'response' && heard.error === null) {
      // A log message says of no request that it belongs to it, and must reach nobody else.
      if (textOf(message, heard.method) !== 'notifications/message') await request.send(message)
      else request.tell(message)
      continue
    }
    const error =
      heard.error === null ? null : errorAt(message.toString('utf8', heard.error.start, heard.error.end))
    if (!isLast && error !== null && NO_SUCH_RESOURCE.has(error.code)) return false
    const own = heard.id !== null && lettersOf(message, heard.id) === request.id
    if (own) await request.send(message)
    else {
      caller.report?.({
        method,
        name: change.name ?? null,
        outcome: 'failed',
        durationMs: performance.now() - startedAt,
      })
      await request.send(named(request, member, error))
    }
    return true
  }
  await request.fail(RPC.serverError, `${member.prefix}: The answer was cut off.`)
  return true
}

/** The change that gives a tool or prompt the name that its member knows. */
export async function toOwnName(
  { members }: Passing,
  request: Request,
  member: CollectionMember,
  name: string,
  given?: unknown,
): Promise<Change> {
  const { line, envelope, method } = request
  const edits: Edit[] = envelope.name === null ? [] : [{ span: envelope.name, letters: letters(name) }]
  if (method !== 'tools/call') return { edits, name }
  const tools = await members.recent(member, 'tools/list', askingFor(request))
  const annotated = mirroredParams(tools.find((tool) => tool['name'] === name)?.['inputSchema'])
  if (annotated.length === 0) return { edits, name }
  const { arguments: span } = envelope
  const args: unknown =
    given ?? (span === null ? {} : JSON.parse(line.toString('utf8', span.start, span.end)))
  return { edits, name, params: mirroredHeaders(annotated, args) }
}

/** A collection has no tasks, so none of its members may answer with one. */
function withoutTasks(request: Request): Edit[] {
  const { metaCapabilities: span } = request.envelope
  if (span === null || !lettersOf(request.line, span).includes(TASKS_EXTENSION)) return []
  return [{ span, letters: letters(declaredIn(request)) }]
}

/** The client as the member sees it: the same subject and trace, and what it does is recorded there. */
function asMember(passing: Passing, { caller }: Request, { deploymentId }: CollectionMember): Caller {
  if (caller === null) return { subject: '', requestId: 'req_collection' }
  const { subject, requestId, traceId, scope, person } = caller
  return {
    subject,
    requestId,
    ...(traceId === undefined ? {} : { traceId }),
    ...(scope === undefined ? {} : { scope }),
    ...(person === undefined ? {} : { person }),
    report: (report) => passing.report(deploymentId, caller, report),
  }
}

interface RpcErrorBody {
  readonly code: number
  readonly message: string
  readonly data?: unknown
}

function errorAt(text: string): RpcErrorBody {
  const { code, message, data } = JSON.parse(text) as Partial<RpcErrorBody>
  return {
    code: typeof code === 'number' ? code : RPC.internalError,
    message: typeof message === 'string' ? message : 'It did not answer.',
    ...(data === undefined ? {} : { data }),
  }
}

function named({ id }: Request, { prefix }: CollectionMember, error: RpcErrorBody | null): string {
  const { code, message, data } = error ?? {
    code: RPC.serverError,
    message: 'It did not answer.',
    data: undefined,
  }
  const body = { code, message: `${prefix}: ${message}`, ...(data === undefined ? {} : { data }) }
  return `{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify(body)}}`
}

function toBuffer(bytes: Bytes): Buffer {
  return typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.concat(bytes)
}
