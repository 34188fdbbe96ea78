import { CatwalkError, type Caller, type JsonObject } from '../../domain/index.ts'
import {
  inOrder,
  insertMembers,
  LATEST_MODERN,
  lettersOf,
  META_KEYS,
  RPC,
  rpcError,
  splice,
  textOf,
  type Edit,
  type Envelope,
} from '../../protocol/index.ts'
import type { Sink } from '../processes/call.ts'
import { ClientRounds } from './client-rounds.ts'
import { connect } from '../sessions/connect.ts'
import type { BridgeContext } from '../context.ts'
import { describeEnd } from '../processes/describe-end.ts'
import { note } from '../messages/from-client.ts'
import { isLogLevel } from '../messages/log-level.ts'
import { reporterOf, type Report } from '../report.ts'
import type { Session } from '../sessions/session.ts'
import { clientAcross } from './capabilities.ts'
import { asksForInput, toLegacy } from './to-legacy.ts'
import { relisting } from '../messages/tool-lens.ts'
import type { Upstream } from '../processes/upstream.ts'

/** A request of a legacy client on its way to a modern server, once or several times. */
export interface LegacyRequest {
  readonly session: Session
  readonly body: Buffer
  readonly envelope: Envelope
  readonly method: string
  /** The letters of its id. */
  readonly id: string
  readonly sink: Sink
  readonly report: Report | undefined
  readonly caller: Caller
  readonly rounds: ClientRounds
}

/** What a client hears that never said how much it wants to hear. */
const USUAL_LEVEL = 'info'
const OPEN_OBJECT = 0x7b

/** Serves a request of a legacy client from a modern server. */
export function requestOnModern(
  context: BridgeContext,
  upstream: Upstream,
  session: Session,
  body: Buffer,
  envelope: Envelope,
  sink: Sink,
  caller: Caller,
): void {
  if (envelope.id === null) return
  const id = lettersOf(body, envelope.id)
  const method = textOf(body, envelope.method) ?? ''
  const report = reporterOf(caller, body, envelope)
  const rounds = new ClientRounds(context, (again, answers) => void sendAgain(context, again, answers))
  const request: LegacyRequest = { session, body, envelope, method, id, sink, report, caller, rounds }
  const { params, metaVersion, metaClient, metaCapabilities, metaLogLevel, inputResponses, requestState } =
    envelope
  const reserved = [metaVersion, metaClient, metaCapabilities, metaLogLevel, inputResponses, requestState]
  if (reserved.some((span) => span !== null) || (params !== null && body[params.start] !== OPEN_OBJECT)) {
    return refuse(request, RPC.invalidParams, 'The parameters hold what only a later revision has.')
  }
  switch (method) {
    case 'ping':
      return succeed(request)
    case 'logging/setLevel':
      if (!isLogLevel(textOf(body, envelope.level) ?? ''))
        return refuse(request, RPC.invalidParams, 'There is no such level.')
      return void succeedOnce(request, note(context, session, body, envelope))
    case 'resources/subscribe':
    case 'resources/unsubscribe':
      return void subscribe(context, request, note(context, session, body, envelope))
    default:
      // Tasks of the two eras are different things.
      if (method.startsWith('tasks/')) return refuse(request, RPC.methodNotFound, 'Method not found')
      sendOn(context, upstream, request, '')
  }
}

/**
 * Sends the request to the server, with all that the modern era wants to know each time.
 * @param answers members of `params` that answer what the server asked the last time, as letters
 */
function sendOn(context: BridgeContext, upstream: Upstream, request: LegacyRequest, answers: string): void {
  const { session, body, envelope, method, id, sink, report, caller } = request
  if (!upstream.alive) {
    sink.fail(id, describeEnd(undefined, true))
    return report?.('failed')
  }
  const token = envelope.progressToken
  const number = upstream.open({
    session,
    subject: session.claims.subject,
    caller,
    id,
    progressToken: token === null ? null : lettersOf(body, token),
    sink,
    startedAt: context.now,
    logLevel: session.level ?? USUAL_LEVEL,
    translate(line, answer, edits) {
      if (asksForInput(line, answer)) {
        request.rounds.ask(request, line, answer)
        return true
      }
      toLegacy(method, line, answer, edits)
      return false
    },
    ...relisting(context, upstream, method, () => clientAcross(session.claims.capabilities as JsonObject)),
    ...(report === undefined ? {} : { report }),
  })
  upstream.send(splice(body, envelope, inOrder(editsFor(request, number, answers))))
}

/** To whichever process serves the session by now: nothing of the first try is left in the former one. */
async function sendAgain(context: BridgeContext, request: LegacyRequest, answers: string): Promise<void> {
  try {
    const upstream = await connect(context, request.session)
    sendOn(context, upstream, request, answers)
  } catch (error) {
    const known =
      error instanceof CatwalkError ? error : new CatwalkError('internal', 'The server could not be reached.')
    request.sink.fail(request.id, known)
    request.report?.('failed')
  }
}

function editsFor({ session, body, envelope }: LegacyRequest, number: number, answers: string): Edit[] {
  const letters = String(number)
  const edits: Edit[] = []
  if (envelope.id !== null) edits.push({ span: envelope.id, letters })
  if (envelope.progressToken !== null) edits.push({ span: envelope.progressToken, letters })
  const meta = metaLetters(session)
  const { params, meta: given } = envelope
  if (given !== null && body[given.start] === OPEN_OBJECT) {
    edits.push(insertMembers(body, given, meta))
    if (params !== null && answers !== '') edits.push(insertMembers(body, params, answers))
  } else {
    const members = [`"_meta":{${meta}}`, ...(answers === '' ? [] : [answers])].join(',')
    edits.push(
      params === null
        ? insertMembers(body, envelope, `"params":{${members}}`)
        : insertMembers(body, params, members),
    )
  }
  return edits
}

const fixed = new WeakMap<Session, string>()

/** The envelope that each request carries (2026-07-28, basic, `_meta`), from what the client said at `initialize`. */
function metaLetters(session: Session): string {
  let members = fixed.get(session)
  if (members === undefined) {
    const meta = {
      [META_KEYS.version]: LATEST_MODERN,
      [META_KEYS.client]: session.claims.clientInfo,
      [META_KEYS.capabilities]: clientAcross(session.claims.capabilities as JsonObject),
    }
    members = Buffer.from(JSON.stringify(meta).slice(1, -1)).toString('latin1')
    fixed.set(session, members)
  }
  return `${members},"${META_KEYS.logLevel}":"${session.level ?? USUAL_LEVEL}"`
}

async function subscribe(
  context: BridgeContext,
  request: LegacyRequest,
  kept: Promise<void> | null,
): Promise<void> {
  const uri = textOf(request.body, request.envelope.uri)
  if (uri === undefined) return refuse(request, RPC.invalidParams, 'uri is missing.')
  try {
    const honoured = await context.subscription.refresh()
    await kept
    if (request.method === 'resources/unsubscribe' || honoured.has(uri)) return succeed(request)
    request.session.subscriptions.delete(uri)
    refuse(request, RPC.invalidParams, 'The server does not announce changes of this resource.')
  } catch (error) {
    context.output('system', `A subscription failed: ${String(error)}`)
    refuse(request, RPC.internalError, 'The server did not take the subscription.')
  }
}

/** Once what it acknowledges is kept. */
async function succeedOnce(request: LegacyRequest, kept: Promise<void> | null): Promise<void> {
  await kept
  succeed(request)
}

function succeed({ id, sink, report }: LegacyRequest): void {
  sink.answer(`{"jsonrpc":"2.0","id":${id},"result":{}}`, null)
  report?.('ok')
}

/** Answers with an error of ours. */
function refuse({ id, sink, report }: LegacyRequest, code: number, message: string): void {
  sink.answer(rpcError(id, code, message), code)
  report?.('error')
}
