import type { CatwalkError, JsonObject } from '../../domain/index.ts'
import {
  inOrder,
  lettersOf,
  RPC,
  rpcError,
  scan,
  sealState,
  splice,
  type Bytes,
  type Edit,
  type Envelope,
} from '../../protocol/index.ts'
import { cancellation } from '../processes/ask.ts'
import type { Call, Sink } from '../processes/call.ts'
import type { BridgeContext } from '../context.ts'
import { replyTo, type Exchange } from '../http/exchange.ts'
import {
  answersIn,
  capabilitiesFor,
  capabilitiesOf,
  digestOf,
  INPUT_METHODS,
  inputRequestOf,
  keyOf,
  missingCapabilities,
  objectAt,
  type InputRequest,
} from './input-requests.ts'
import { callOf, withOurIds } from '../messages/modern-call.ts'
import type { ModernReply } from '../http/modern-reply.ts'
import type { ModernRequest } from '../http/modern-request.ts'
import { outcomeOf } from '../report.ts'
import { catwalkError } from '../http/respond.ts'
import { toModern } from './to-modern.ts'
import { elicitedUrls } from './url-elicitation.ts'
import { errorCode, type Upstream } from '../processes/upstream.ts'

interface Waiting {
  readonly exchange: Exchange
  readonly request: ModernRequest
  readonly reply: ModernReply
}

/** Requests of a server that come this soon after one another travel together. */
const GATHER_MS = 20
const MAX_PENDING = 64
const RETIRE_GRACE_MS = 2000
const REREAD = { maxDepth: 1000, trusted: true } as const

/**
 * One call of a modern client on a legacy process that it has to itself. When the server asks the client something, the
 * client's request ends with that question while the call stays open; the retry that brings the answer takes its place.
 */
export class Hold implements Sink {
  readonly id: string
  readonly #context: BridgeContext
  readonly #upstream: Upstream
  readonly #digest: string
  readonly #subject: string
  readonly #declared: JsonObject
  /** The client that waits now; null while it gathers input. */
  #waiting: Waiting | null = null
  /** What the server asked and nobody has answered, by key. */
  readonly #pending = new Map<string, InputRequest>()
  /** Answers that came before the question. */
  #early: Map<string, string>
  /** The server's answer, when nobody waited for it. */
  #kept: Buffer | null = null
  #timer: NodeJS.Timeout | null = null
  #call: Call | null = null
  #number = 0
  #round = 0
  #keys = 0
  #over = false
  /** Coarse milliseconds; the client has until then. */
  deadline = Infinity

  constructor(
    context: BridgeContext,
    id: string,
    upstream: Upstream,
    request: ModernRequest,
    exchange: Exchange,
  ) {
    this.id = id
    this.#context = context
    this.#upstream = upstream
    this.#digest = digestOf(request)
    this.#subject = exchange.caller.subject
    this.#declared = capabilitiesOf(request)
    this.#early = answersIn(request) ?? new Map<string, string>()
  }

  get round(): number {
    return this.#round
  }

  /** Sends the call to the server. */
  start(exchange: Exchange, request: ModernRequest): void {
    const upstream = this.#upstream
    this.#wait(exchange, request)
    const unreported = { ...exchange, report: undefined }
    this.#call = callOf(this.#context, unreported, request, upstream, this, (line, answer) => {
      this.#finish(line, answer)
      return true
    })
    this.#number = upstream.open(this.#call)
    upstream.asked = (line, envelope, method) => this.#asked(line, envelope, method)
    upstream.send(withOurIds(request, this.#number))
  }

  /** Takes a retry with answers. `request` was checked to be of this hold and round. */
  resume(exchange: Exchange, request: ModernRequest, answers: Map<string, string>): void {
    this.deadline = Infinity
    this.#round++
    this.#wait(exchange, request)
    const token = request.envelope.progressToken
    if (this.#call !== null) this.#call.progressToken = token === null ? null : lettersOf(request.body, token)
    for (const [key, question] of this.#pending) {
      const answer = answers.get(key)
      if (answer === undefined) continue
      this.#pending.delete(key)
      answers.delete(key)
      this.#answerServer(question, answer)
    }
    this.#early = answers
    if (this.#kept !== null) return this.#deliverKept(this.#kept)
    // What is still missing is asked again.
    if (this.#pending.size > 0) this.#surrender()
  }

  notify(message: Bytes): boolean {
    return this.#waiting?.reply.notify(message) ?? false
  }

  /** Not called: every answer is translated. */
  answer(message: Bytes, code: number | null): void {
    this.#waiting?.reply.answer(message, code)
  }

  fail(_id: string, error: CatwalkError): void {
    const waiting = this.#end(false)
    if (waiting === null) return
    const { exchange, request, reply } = waiting
    exchange.report?.('failed')
    reply.answer(catwalkError(request.id, error, exchange.caller.requestId), null)
  }

  keepAlive(now: number): void {
    this.#waiting?.reply.keepAlive(now)
  }

  abandon(): void {
    this.#cancel()
  }

  /** The client has taken too long: the server gets a refusal, the call is cancelled. */
  expire(): void {
    if (this.#kept === null) {
      for (const question of this.#pending.values())
        this.#refuseServer(question, 'The user did not answer in time.')
    }
    this.#cancel()
  }

  #wait(exchange: Exchange, request: ModernRequest): void {
    const reply = replyTo(this.#context, exchange, this.#upstream)
    this.#waiting = { exchange, request, reply }
    exchange.res.once('close', () => {
      if (reply.done || this.#over) return
      reply.done = true
      exchange.report?.('cancelled')
      this.#cancel()
    })
  }

  #asked(line: Buffer, envelope: Envelope, method: string): void {
    const question = inputRequestOf(line, envelope)
    if (question === null) return
    if (!INPUT_METHODS.has(method) || this.#pending.size >= MAX_PENDING) {
      return this.#refuseServer(question, `The client does not offer "${method}".`)
    }
    const params = envelope.params === null ? {} : objectAt(line, envelope.params)
    const missing = missingCapabilities(capabilitiesFor(method, params), this.#declared)
    if (missing !== null) return this.#lack(question, missing)
    const key = this.#freeKey(keyOf(line, envelope))
    const early = this.#early.get(key)
    if (early !== undefined) {
      this.#early.delete(key)
      return this.#answerServer(question, early)
    }
    this.#pending.set(key, question)
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#surrender(), GATHER_MS)
  }

  /** The client never said that it can be asked this. */
  #lack(question: InputRequest, missing: object): void {
    this.#refuseServer(question, 'The client has not declared this capability.')
    const waiting = this.#waiting
    const message = 'The request needs a capability that the client has not declared.'
    const data = { requiredCapabilities: missing }
    if (waiting !== null) {
      waiting.reply.answer(
        rpcError(waiting.request.id, RPC.missingCapability, message, data),
        RPC.missingCapability,
      )
      waiting.exchange.report?.('error')
    }
    this.#cancel()
  }

  /** Ends the client's request with all that the server wants to know. */
  #surrender(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const waiting = this.#waiting
    if (waiting === null || this.#pending.size === 0) return
    const asked = [...this.#pending].map(([key, { letters }]) => `${latin1(JSON.stringify(key))}:${letters}`)
    this.#waiting = null
    this.#giveOut(waiting, asked.join(','), this.id)
  }

  #giveOut(waiting: Waiting, inputRequests: string, hold: string | null): void {
    const { id, limits, clock, deploymentId, stateSealer } = this.#context
    this.deadline = this.#context.now + limits.holdMs
    const state = sealState(stateSealer, {
      deploymentId,
      bridge: id,
      hold,
      round: this.#round,
      subject: this.#subject,
      digest: this.#digest,
      expiresAt: clock.now().getTime() + limits.holdMs,
    })
    const result = `{"resultType":"input_required","inputRequests":{${inputRequests}},"requestState":"${state}"}`
    waiting.reply.answer(`{"jsonrpc":"2.0","id":${waiting.request.id},"result":${result}}`, null)
    waiting.exchange.report?.('ok')
  }

  #finish(line: Buffer, answer: Envelope): void {
    if (this.#waiting === null) {
      // The server gave up waiting; whoever comes with answers gets what it made of that.
      this.#kept = Buffer.from(line.subarray(answer.start, answer.end))
      this.#release()
    } else this.#deliver(line, answer)
  }

  #deliverKept(kept: Buffer): void {
    const answer = scan(kept, REREAD)
    if (!('length' in answer)) this.#deliver(kept, answer)
  }

  #deliver(line: Buffer, answer: Envelope): void {
    const waiting = this.#end(true)
    if (waiting === null || answer.id === null) return
    const { exchange, request, reply } = waiting
    const urls = elicitedUrls(line, answer, this.#declared)
    if (urls !== null) return this.#giveOut(waiting, urls, null)
    const edits: Edit[] = [{ span: answer.id, letters: request.id }]
    toModern(this.#context, this.#upstream, request)(line, answer, edits)
    const bytes = splice(line, answer, inOrder(edits))
    reply.answer(this.#call?.relist?.(bytes, line, answer) ?? bytes, errorCode(line, answer))
    exchange.report?.(outcomeOf(line, answer))
  }

  #answerServer({ id }: InputRequest, result: string): void {
    this.#upstream.send(`{"jsonrpc":"2.0","id":${id},"result":${result}}`)
  }

  #refuseServer(question: InputRequest, message: string): void {
    if (question.method === 'elicitation/create') return this.#answerServer(question, '{"action":"cancel"}')
    this.#upstream.send(rpcError(question.id, RPC.methodNotFound, message))
  }

  #freeKey(wished: string | undefined): string {
    if (wished !== undefined && !this.#pending.has(wished)) return wished
    let key: string
    do key = `r${++this.#keys}`
    while (this.#pending.has(key))
    return key
  }

  /** Nothing of this call may reach the next one, so its process goes too. */
  #cancel(): void {
    if (this.#over) return
    this.#end(false)
    if (this.#kept !== null) return
    this.#upstream.close(this.#number)
    this.#upstream.send(cancellation(this.#number))
    this.#upstream.asked = null
    void this.#context.pool.retire(this.#upstream, RETIRE_GRACE_MS)
  }

  /** The process is free for the next call. */
  #release(): void {
    this.#upstream.asked = null
    this.#context.pool.giveBack(this.#upstream)
  }

  #end(release: boolean): Waiting | null {
    const waiting = this.#waiting
    this.#over = true
    if (release && this.#kept === null) this.#release()
    this.#waiting = null
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#context.holds.delete(this.id)
    return waiting
  }
}

function latin1(text: string): string {
  return Buffer.from(text).toString('latin1')
}
