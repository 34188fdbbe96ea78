import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the fake does with one question. */
export type FakeTurn =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'refusal' }
  /** An HTTP error, as the service words it. */
  | { readonly kind: 'error'; readonly status: number; readonly retryAfterS?: number }
  /** An error after the answer has begun. */
  | { readonly kind: 'error-midway' }
  /** Begins, and says nothing more. */
  | { readonly kind: 'silence' }
  /** Begins, and is cut off. */
  | { readonly kind: 'cut' }

export interface FakeQuestion {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: Record<string, unknown>
}

export interface FakeModel extends AsyncDisposable {
  /** For Anthropic's client; it adds `/v1/messages`. */
  readonly anthropicUrl: string
  /** For an OpenAI-compatible client, which adds `/chat/completions`. */
  readonly openRouterUrl: string
  readonly questions: readonly FakeQuestion[]
  /** The turns still to come. The last one is repeated. */
  turns: FakeTurn[]
}

export const INPUT_TOKENS = 1200
export const OUTPUT_TOKENS = 80
/** What the fake of OpenRouter charges for one answer, in US dollars. */
export const COST_USD = 0.0016

/**
 * A model's services on a real socket: Anthropic's Messages API and OpenRouter's chat completions, both streamed as
 * their documentation has it (platform.claude.com/docs/en/build-with-claude/streaming,
 * openrouter.ai/docs/api/reference/streaming and …/errors-and-debugging).
 */
export async function startFakeModel(turns: readonly FakeTurn[]): Promise<FakeModel> {
  const questions: FakeQuestion[] = []
  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const body = await read(req)
    const path = (req.url ?? '').replace(/\?.*/, '')
    questions.push({ path, headers: req.headers, body })
    const turn = fake.turns.length > 1 ? fake.turns.shift() : fake.turns[0]
    const key = req.headers.authorization ?? req.headers['x-api-key']
    const speak = path === '/v1/messages' ? speakAnthropic : speakOpenRouter
    const isRefused = key === undefined || turn === undefined || /wrong/.test(String(key))
    speak(res, isRefused ? { kind: 'error', status: 401 } : turn)
  }
  const server = createServer((req, res) => {
    answer(req, res).catch(() => res.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A TCP server's address is never a path.
  const { port } = server.address() as AddressInfo
  const fake: FakeModel = {
    anthropicUrl: `http://127.0.0.1:${port}`,
    openRouterUrl: `http://127.0.0.1:${port}/api/v1`,
    questions,
    turns: [...turns],
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
  return fake
}

function speakAnthropic(res: ServerResponse, turn: FakeTurn): void {
  if (turn.kind === 'error')
    return refuse(res, turn, {
      type: 'error',
      error: { type: anthropicType(turn.status), message: 'No.' },
    })
  const send = (type: string, data: object) =>
    res.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`)
  begin(res)
  send('message_start', {
    message: {
      id: 'msg_fake',
      type: 'message',
      role: 'assistant',
      model: 'claude-haiku-4-5',
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: INPUT_TOKENS, output_tokens: 1 },
    },
  })
  send('ping', {})
  if (turn.kind === 'silence') return
  if (turn.kind === 'cut') return void res.destroy()
  if (turn.kind === 'error-midway') {
    send('error', { error: { type: 'overloaded_error', message: 'Overloaded' } })
    return void res.end()
  }
  send('content_block_start', { index: 0, content_block: { type: 'text', text: '' } })
  for (const text of pieces(turn.kind === 'text' ? turn.text : '')) {
    send('content_block_delta', { index: 0, delta: { type: 'text_delta', text } })
  }
  send('content_block_stop', { index: 0 })
  send('message_delta', {
    delta: { stop_reason: turn.kind === 'refusal' ? 'refusal' : 'end_turn', stop_sequence: null },
    usage: { output_tokens: OUTPUT_TOKENS },
  })
  send('message_stop', {})
  res.end()
}

function speakOpenRouter(res: ServerResponse, turn: FakeTurn): void {
  if (turn.kind === 'error') return refuse(res, turn, { error: { code: turn.status, message: 'No.' } })
  const send = (data: object) =>
    res.write(
      `data: ${JSON.stringify({ id: 'gen-fake', object: 'chat.completion.chunk', model: 'm', ...data })}\n\n`,
    )
  begin(res)
  res.write(': OPENROUTER PROCESSING\n\n')
  send(choice({ role: 'assistant', content: '' }))
  if (turn.kind === 'silence') return
  if (turn.kind === 'cut') return void res.destroy()
  if (turn.kind === 'error-midway') {
    send({ error: { code: 502, message: 'Provider disconnected' }, ...choice({ content: '' }, 'error') })
    return void res.end()
  }
  if (turn.kind === 'refusal') send(choice({ refusal: 'I cannot help with that.' }))
  else for (const content of pieces(turn.text)) send(choice({ content }))
  send(choice({}, turn.kind === 'refusal' ? 'content_filter' : 'stop'))
  send({
    choices: [],
    usage: {
      prompt_tokens: INPUT_TOKENS,
      completion_tokens: OUTPUT_TOKENS,
      total_tokens: INPUT_TOKENS + OUTPUT_TOKENS,
      cost: COST_USD,
    },
  })
  res.end('data: [DONE]\n\n')
}

function choice(delta: object, end: string | null = null): object {
  return { choices: [{ index: 0, delta, finish_reason: end }] }
}

function begin(res: ServerResponse): void {
  res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'request-id': 'req_fake' })
}

function refuse(
  res: ServerResponse,
  { status, retryAfterS }: FakeTurn & { kind: 'error' },
  body: object,
): void {
  res.writeHead(status, {
    'content-type': 'application/json',
    ...(retryAfterS === undefined ? {} : { 'retry-after': String(retryAfterS) }),
  })
  res.end(JSON.stringify(body))
}

function anthropicType(status: number): string {
  const types: Readonly<Record<number, string>> = {
    401: 'authentication_error',
    402: 'billing_error',
    404: 'not_found_error',
    413: 'request_too_large',
    429: 'rate_limit_error',
    529: 'overloaded_error',
  }
  return types[status] ?? 'api_error'
}

/** As a stream cuts a text: anywhere. */
function pieces(text: string): string[] {
  return text.match(/[^]{1,17}/g) ?? []
}

async function read(req: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  // Every question is an object.
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>
}
