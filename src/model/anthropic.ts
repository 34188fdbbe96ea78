import Anthropic, { APIConnectionError, APIConnectionTimeoutError, APIError } from '@anthropic-ai/sdk'
import type { Secret } from '../domain/index.ts'
import { failureOf, ModelFailure, type ModelProvider, type Question, type Reply } from './provider.ts'

export interface AnthropicOptions {
  readonly apiKey: Secret
  /** Origin of the API, without `/v1`. */
  readonly baseUrl: string
  readonly model: string
}

// The library waits as long as `Retry-After` says, within the signal's time.
const RETRIES = 2

/** A model behind Anthropic's Messages API. */
export function createAnthropic({ apiKey, baseUrl, model }: AnthropicOptions): ModelProvider {
  const client = new Anthropic({
    apiKey: apiKey.reveal(),
    baseURL: baseUrl,
    maxRetries: RETRIES,
    // Nothing but the given key: no profile of the machine, no log of its own, no traces.
    authToken: null,
    logLevel: 'off',
    openTelemetry: false,
  })
  return {
    kind: 'anthropic',
    model,
    async ask(question, signal) {
      try {
        const stream = client.messages.stream(parameters(model, question), { signal })
        return toReply(await stream.finalMessage())
      } catch (error) {
        signal.throwIfAborted()
        throw toFailure(error)
      }
    },
  }
}

function parameters(model: string, question: Question): Anthropic.MessageStreamParams {
  return {
    model,
    max_tokens: question.maxOutputTokens,
    system: question.system,
    messages: question.messages.map(({ role, content }) => ({ role, content })),
    output_config: { format: { type: 'json_schema', schema: { ...question.schema } } },
  }
}

function toReply(message: Anthropic.Message): Reply {
  return {
    text: message.content.map((block) => (block.type === 'text' ? block.text : '')).join(''),
    inputTokens: message.usage.input_tokens,
    outputTokens: message.usage.output_tokens,
    costUsd: null,
    failure:
      message.stop_reason === 'refusal' ? new ModelFailure('refused', 'The model declined to answer.') : null,
  }
}

function toFailure(error: unknown): ModelFailure {
  if (error instanceof APIConnectionTimeoutError) return failureOf(408, error)
  if (error instanceof APIConnectionError) {
    return new ModelFailure('no_answer', 'The service of the model cannot be reached.', error)
  }
  if (error instanceof APIError && typeof error.status === 'number') return failureOf(error.status, error)
  return new ModelFailure('no_answer', 'The answer of the model broke off.', error)
}
