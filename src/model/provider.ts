import type { JsonObject, ModelUse } from '../domain/index.ts'

/** One question to a model. */
export interface Question {
  readonly system: string
  /** Begins and ends with what the user says. */
  readonly messages: readonly { readonly role: 'user' | 'assistant'; readonly content: string }[]
  /** JSON Schema that the answer has to fit. */
  readonly schema: JsonObject
  readonly maxOutputTokens: number
}

export interface Reply {
  readonly text: string
  readonly inputTokens: number
  readonly outputTokens: number
  /** As the provider tells it; null when it does not. */
  readonly costUsd: number | null
  /** Why there is no usable text, null when there is. */
  readonly failure: ModelFailure | null
}

/** A service that runs models. */
export interface ModelProvider {
  readonly kind: ModelUse['provider']
  readonly model: string
  /** @throws ModelFailure when the service does not give an answer; the signal's reason when that is aborted */
  ask(question: Question, signal: AbortSignal): Promise<Reply>
}

/** Why a model's help could not be had. The message is for the reader of the analysis and holds nothing of the key. */
export class ModelFailure extends Error {
  readonly outcome: Exclude<ModelUse['outcome'], 'used'>

  constructor(outcome: ModelFailure['outcome'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'ModelFailure'
    this.outcome = outcome
  }
}

/** What an HTTP status of either service means for the analysis. */
export function failureOf(status: number, cause?: unknown): ModelFailure {
  switch (status) {
    case 401:
    case 403:
      return new ModelFailure('no_answer', 'The service refused the key of the model.', cause)
    case 402:
      return new ModelFailure('over_budget', 'The account of the model has no credit left.', cause)
    case 404:
      return new ModelFailure('no_answer', 'The service does not know this model.', cause)
    case 408:
    case 504:
      return new ModelFailure('timed_out', 'The model did not answer in time.', cause)
    case 413:
      return new ModelFailure('over_budget', 'The files are more than the model takes.', cause)
    case 429:
      return new ModelFailure('no_answer', 'The service limits how often the model may be asked.', cause)
    default:
      return new ModelFailure('no_answer', `The service of the model answered with status ${status}.`, cause)
  }
}
