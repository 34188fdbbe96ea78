import type { ServerResponse } from 'node:http'
import {
  LATEST_MODERN,
  lettersOf,
  MODERN_VERSIONS,
  inOrder,
  splice,
  type Edit,
  type Envelope,
} from '../../protocol/index.ts'
import { cancellation } from '../processes/ask.ts'
import type { Call, Sink, Translate } from '../processes/call.ts'
import type { BridgeContext } from '../context.ts'
import { replyTo, type Exchange } from '../http/exchange.ts'
import { isObject } from '../processes/handshake.ts'
import { offersTasks } from '../processes/task-watch.ts'
import { wasAcknowledged } from '../asleep/held-streams.ts'
import { capabilitiesOf, objectAt } from '../translation/input-requests.ts'
import type { ModernReply } from '../http/modern-reply.ts'
import type { ModernRequest } from '../http/modern-request.ts'
import { resultAt } from '../http/tool-headers.ts'
import { noteModernTask, withoutForeignTasks } from './task-calls.ts'
import { relisting } from './tool-lens.ts'
import type { Upstream } from '../processes/upstream.ts'

/** Sends a request of a modern client on to a modern server, as it is but for its id and progress token. */
export function passOn(
  context: BridgeContext,
  exchange: Exchange,
  request: ModernRequest,
  upstream: Upstream,
): void {
  const reply = replyTo(context, exchange, upstream)
  const { subject } = exchange.caller
  const translate = watching(context, request, upstream, subject)
  const number = upstream.open(callOf(context, exchange, request, upstream, reply, translate))
  const edit =
    request.method === 'subscriptions/listen' ? withoutForeignTasks(upstream, subject, request) : null
  upstream.send(withOurIds(request, number, edit === null ? [] : [edit]))
  cancelWhenGone(exchange, upstream, number, reply)
}

/** What the bridge keeps of a request of a modern client. */
export function callOf(
  context: BridgeContext,
  { caller, report, res }: Exchange,
  { body, envelope, method, id, logLevel }: ModernRequest,
  upstream: Upstream,
  sink: Sink,
  translate: Translate | undefined,
): Call {
  const token = envelope.progressToken
  return {
    session: null,
    subject: caller.subject,
    caller,
    id,
    progressToken: token === null ? null : lettersOf(body, token),
    sink,
    startedAt: context.now,
    ...(method === 'subscriptions/listen' ? subscriptionOf(body, envelope, res) : {}),
    ...(logLevel === undefined ? {} : { logLevel }),
    ...(translate === undefined ? {} : { translate }),
    ...relisting(context, upstream, method, () =>
      upstream.era === 'legacy' ? upstream.told : capabilitiesOf({ body, envelope }),
    ),
    ...(report === undefined ? {} : { report }),
  }
}

function subscriptionOf(
  body: Buffer,
  { params }: Envelope,
  res: ServerResponse,
): Pick<Call, 'isSubscription' | 'watchesResources' | 'watchesTools' | 'acknowledged'> {
  const { notifications } = params === null ? {} : objectAt(body, params)
  const uris = isObject(notifications) ? notifications['resourceSubscriptions'] : undefined
  const watchesResources = Array.isArray(uris) && uris.length > 0
  const watchesTools = isObject(notifications) && notifications['toolsListChanged'] === true
  return { isSubscription: true, watchesResources, watchesTools, acknowledged: wasAcknowledged(res) }
}

/** The request's bytes with a number of ours as its id and progress token, and with other edits besides. */
export function withOurIds(
  { body, envelope }: ModernRequest,
  number: number,
  others: readonly Edit[] = [],
): ReturnType<typeof splice> {
  const letters = String(number)
  const edits: Edit[] = [...others]
  if (envelope.id !== null) edits.push({ span: envelope.id, letters })
  if (envelope.progressToken !== null) edits.push({ span: envelope.progressToken, letters })
  return splice(body, envelope, edits.length > 1 ? inOrder(edits) : edits)
}

/** A closed connection is the cancellation (2026-07-28, cancellation). */
export function cancelWhenGone(
  { res, report }: Exchange,
  upstream: Upstream,
  number: number,
  reply: ModernReply,
): void {
  res.once('close', () => {
    if (reply.done) return
    reply.done = true
    upstream.close(number)
    upstream.send(cancellation(number))
    report?.('cancelled')
  })
}

/** What the bridge itself has to know of an answer, or to correct in it. */
function watching(
  context: BridgeContext,
  { method }: ModernRequest,
  upstream: Upstream,
  subject: string,
): Translate | undefined {
  switch (method) {
    case 'tools/list':
      return (line, answer) => {
        context.toolHeaders.learn(resultAt(line, answer))
        return false
      }
    case 'server/discover':
      return (line, answer, edits) => {
        onlyKnownVersions(line, answer, edits)
        return false
      }
    case 'subscriptions/listen':
      return (_line, answer, edits) => {
        const [id] = edits
        if (answer.endedSubscription !== null && id !== undefined)
          edits.push({ ...id, span: answer.endedSubscription })
        return false
      }
    default:
      return offersTasks(upstream.discovered) ? noteModernTask(upstream, subject) : undefined
  }
}

/** A client must not choose a version that we do not speak. */
function onlyKnownVersions(line: Buffer, { supportedVersions }: Envelope, edits: Edit[]): void {
  if (supportedVersions === null) return
  const listed: unknown = JSON.parse(line.toString('utf8', supportedVersions.start, supportedVersions.end))
  if (!Array.isArray(listed)) return
  const known = MODERN_VERSIONS.filter((version) => (listed as unknown[]).includes(version))
  if (known.length === listed.length) return
  edits.push({ span: supportedVersions, letters: JSON.stringify(known.length > 0 ? known : [LATEST_MODERN]) })
}
