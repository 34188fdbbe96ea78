import { randomUUID } from 'node:crypto'
import type { JsonObject } from '../../domain/index.ts'
import { lettersOf, membersOf, RPC, rpcError, type Envelope } from '../../protocol/index.ts'
import type { BridgeContext } from '../context.ts'
import { capabilitiesFor, INPUT_METHODS, missingCapabilities, objectAt } from './input-requests.ts'
import { isObject } from '../processes/handshake.ts'
import type { LegacyRequest } from './legacy-on-modern.ts'
import type { ClientAnswer, Round, Session } from '../sessions/session.ts'

/** A server that asks more often than this does not get on. */
const MAX_ROUNDS = 32
const MAX_QUESTIONS = 64

/**
 * What a modern server wants to know before it answers a request of a legacy client: asked as requests on the client's
 * stream, after which the request is sent again with the answers.
 */
export class ClientRounds {
  readonly #context: BridgeContext
  readonly #again: Again
  #rounds = 0

  constructor(context: BridgeContext, again: Again) {
    this.#context = context
    this.#again = again
  }

  /** Takes a result with `resultType: "input_required"`; valid only until it returns. */
  ask(request: LegacyRequest, line: Buffer, { result }: Envelope): void {
    if (result === null || ++this.#rounds > MAX_ROUNDS)
      return fail(request, 'The server asks for input without end.')
    const members = membersOf(line, result)
    const state = members.get('requestState')
    const stateMember = state === undefined ? [] : [`"requestState":${lettersOf(line, state)}`]
    const questions = members.get('inputRequests')
    const asked = questions === undefined ? [] : [...membersOf(line, questions)]
    if (asked.length > MAX_QUESTIONS) return fail(request, 'The server asks for too much at once.')
    const prepared = asked.map(([key, span]) => prepare(key, lettersOf(line, span), objectAt(line, span)))
    const declared = request.session.claims.capabilities as JsonObject
    for (const { method, params } of prepared) {
      if (!INPUT_METHODS.has(method))
        return fail(request, `The server asks for "${method.slice(0, 100)}", which no client has.`)
      if (missingCapabilities(capabilitiesFor(method, params), declared) === null) continue
      return fail(request, `The server needs "${method}", which the client does not offer.`)
    }
    this.#gather(request, prepared, stateMember)
  }

  #gather(request: LegacyRequest, prepared: readonly Question[], state: readonly string[]): void {
    const { session } = request
    const answers: string[] = []
    const ids: string[] = []
    let due = prepared.length
    const round: Round = { id: request.id, cancel: () => finish(() => giveUp(request)) }
    session.rounds.add(round)
    session.callsInFlight++

    const finish = (then: () => void): void => {
      if (!session.rounds.delete(round)) return
      session.callsInFlight--
      for (const id of ids) session.asked.delete(id)
      then()
    }
    const sendAgain = (): void => {
      const given = answers.length > 0 ? [`"inputResponses":{${answers.join(',')}}`] : []
      this.#again(request, [...given, ...state].join(','))
    }
    if (due === 0) return finish(sendAgain)
    for (const question of prepared) {
      const id = nextId(session)
      ids.push(id)
      session.asked.set(id, {
        at: this.#context.now,
        answered(answer) {
          const result = resultOf(question, answer)
          if (result === null) return finish(() => passError(request, answer))
          answers.push(`${latin1(JSON.stringify(question.key))}:${result}`)
          if (--due === 0) finish(sendAgain)
        },
      })
      const message = `{"jsonrpc":"2.0","id":${id},${question.letters.slice(1)}`
      if (!request.sink.notify(message)) session.listen.send(message)
    }
  }
}

/** Sends a request again, with these members added to its parameters. */
export type Again = (request: LegacyRequest, answers: string) => void

interface Question {
  readonly key: string
  readonly method: string
  readonly params: JsonObject
  /** The letters of `{"method": …, "params": …}`. */
  readonly letters: string
}

function prepare(key: string, letters: string, value: JsonObject): Question {
  const method = typeof value['method'] === 'string' ? value['method'] : ''
  const params = isObject(value['params']) ? value['params'] : {}
  if (method !== 'elicitation/create' || params['mode'] !== 'url' || 'elicitationId' in params) {
    return { key, method, params, letters }
  }
  // The legacy era names each page that it opens (2025-11-25, elicitation, URL mode).
  const named = { method, params: { ...params, elicitationId: randomUUID() } }
  return { key, method, params, letters: latin1(JSON.stringify(named)) }
}

let counter = 0

function nextId(session: Session): string {
  let id: string
  do id = `"catwalk-${++counter}"`
  while (session.asked.has(id))
  return id
}

/** What the server is told; null when there is no way to say it. */
function resultOf({ method }: Question, answer: ClientAnswer | null): string | null {
  if (answer !== null && 'result' in answer) return answer.result
  return method === 'elicitation/create' ? '{"action":"cancel"}' : null
}

/** The client could not answer: neither can its request be. */
function passError({ id, sink, report }: LegacyRequest, answer: ClientAnswer | null): void {
  const message =
    answer !== null && 'error' in answer ? `{"jsonrpc":"2.0","id":${id},"error":${answer.error}}` : null
  sink.answer(message ?? rpcError(id, RPC.serverError, 'The client did not answer.'), RPC.serverError)
  report?.('error')
}

function fail({ id, sink, report }: LegacyRequest, text: string): void {
  sink.answer(rpcError(id, RPC.invalidRequest, text), RPC.invalidRequest)
  report?.('error')
}

function giveUp({ sink, report }: LegacyRequest): void {
  sink.abandon()
  report?.('cancelled')
}

function latin1(text: string): string {
  return Buffer.from(text).toString('latin1')
}
