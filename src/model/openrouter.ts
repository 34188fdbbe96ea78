import { setTimeout as delay } from 'node:timers/promises'
import { EventSourceParserStream } from 'eventsource-parser/stream'
import { z } from 'zod'
import type { Secret } from '../domain/index.ts'
import { failureOf, ModelFailure, type ModelProvider, type Question, type Reply } from './provider.ts'

export interface OpenRouterOptions {
  readonly apiKey: Secret
  /** Of the OpenAI-compatible API, with its `/v1`. */
  readonly baseUrl: string
  readonly model: string
}

const ATTEMPTS = 3
const FIRST_DELAY_MS = 500
const LONGEST_ANSWER = 256 * 1024

/** A part of the streamed answer; https://openrouter.ai/docs/api/reference/streaming. */
const Chunk = z.object({
  choices: z
    .array(
      z.object({
        delta: z.object({ content: z.string().nullish(), refusal: z.string().nullish() }).optional(),
        finish_reason: z.string().nullish(),
      }),
    )
    .default([]),
  usage: z
    .object({ prompt_tokens: z.number(), completion_tokens: z.number(), cost: z.number().nullish() })
    .nullish(),
  error: z.object({ code: z.union([z.number(), z.string()]).optional() }).nullish(),
})

/** A model behind OpenRouter, or any other service with an OpenAI-compatible API. */
export function createOpenRouter({ apiKey, baseUrl, model }: OpenRouterOptions): ModelProvider {
  async function send(question: Question, signal: AbortSignal): Promise<Response> {
    try {
      return await fetch(`${baseUrl}/chat/completions`, {
        method: 'POST',
        redirect: 'error',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${apiKey.reveal()}` },
        body: JSON.stringify(body(model, question)),
        signal,
      })
    } catch (error) {
      signal.throwIfAborted()
      throw new ModelFailure('no_answer', 'The service of the model cannot be reached.', error)
    }
  }
  return {
    kind: 'openrouter',
    model,
    async ask(question, signal) {
      for (let attempt = 1; ; attempt += 1) {
        const response = await send(question, signal)
        if (response.ok) return readAnswer(response, signal)
        await response.body?.cancel()
        if (!isPassing(response.status) || attempt === ATTEMPTS) throw failureOf(response.status)
        await delay(waitMs(response.headers, attempt), null, { signal })
      }
    },
  }
}

function body(model: string, { system, messages, schema, maxOutputTokens }: Question): object {
  return {
    model,
    messages: [{ role: 'system', content: system }, ...messages],
    max_tokens: maxOutputTokens,
    response_format: { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } },
    // Only providers that mind the schema.
    provider: { require_parameters: true },
    stream: true,
    stream_options: { include_usage: true },
    usage: { include: true },
  }
}

function isPassing(status: number): boolean {
  return status === 429 || status === 502 || status === 503
}

function waitMs(headers: Headers, attempt: number): number {
  const seconds = Number(headers.get('retry-after') ?? NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : FIRST_DELAY_MS * 2 ** (attempt - 1)
}

async function readAnswer(response: Response, signal: AbortSignal): Promise<Reply> {
  const answer = { text: '', inputTokens: 0, outputTokens: 0, costUsd: null as number | null }
  let failure: ModelFailure | null = null
  try {
    for await (const chunk of chunks(response)) {
      if (chunk.error) throw failureOf(Number(chunk.error.code ?? 502))
      for (const { delta, finish_reason: end } of chunk.choices) {
        answer.text += delta?.content ?? ''
        if (delta?.refusal || end === 'content_filter') {
          failure = new ModelFailure('refused', 'The model declined to answer.')
        }
      }
      if (answer.text.length > LONGEST_ANSWER) throw new ModelFailure('no_answer', 'The answer is too long.')
      if (!chunk.usage) continue
      answer.inputTokens = chunk.usage.prompt_tokens
      answer.outputTokens = chunk.usage.completion_tokens
      answer.costUsd = chunk.usage.cost ?? null
    }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof ModelFailure) throw error
    throw new ModelFailure('no_answer', 'The answer of the model broke off.', error)
  }
  return { ...answer, failure }
}

async function* chunks(response: Response): AsyncGenerator<z.output<typeof Chunk>> {
  if (response.body === null) return
  const messages = response.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream({ maxBufferSize: LONGEST_ANSWER }))
  for await (const { data } of messages) {
    if (data === '[DONE]') return
    yield Chunk.parse(JSON.parse(data))
  }
}
