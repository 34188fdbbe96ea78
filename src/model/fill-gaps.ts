import { randomBytes } from 'node:crypto'
import type { Analysis, ModelReader, ModelUse, Snapshot } from '../domain/index.ts'
import { ANSWER_SCHEMA, parseAnswer, type Answer } from './answer.ts'
import { applyAnswer } from './apply-answer.ts'
import { CHARACTERS_PER_TOKEN, chooseFiles } from './choose-files.ts'
import { costOf } from './price.ts'
import { ModelFailure, type ModelProvider, type Question, type Reply } from './provider.ts'
import { describeFiles, repairRequest, SYSTEM } from './question.ts'
import { anySignal } from '../domain/index.ts'

export interface ModelReaderOptions {
  readonly provider: ModelProvider
  /** For one analysis: all that is sent and received, the repair included. */
  readonly budgetTokens: number
  readonly timeoutMs: number
}

const MAX_OUTPUT_TOKENS = 4000
const ROUNDS = 2

/** Lets a model fill what the files leave open. Whatever goes wrong with it, the analysis stays what the files say. */
export function createModelReader({ provider, budgetTokens, timeoutMs }: ModelReaderOptions): ModelReader {
  return {
    async fillGaps(analysis, snapshot, signal) {
      if (!hasGaps(analysis)) return analysis
      const spent = { inputTokens: 0, outputTokens: 0, costUsd: null as number | null }
      const limit = AbortSignal.timeout(timeoutMs)
      try {
        const { question, files } = prepare(analysis, snapshot, budgetTokens)
        const answer = await ask(question, anySignal([signal, limit]), spent)
        const { analysis: better, filled } = applyAnswer(analysis, answer, files)
        const detail = filled === 0 ? 'The model had nothing to add that the files back.' : null
        return { ...better, model: use(filled === 0 ? 'no_answer' : 'used', detail, spent) }
      } catch (error) {
        signal.throwIfAborted()
        const failure =
          error instanceof ModelFailure
            ? error
            : limit.aborted
              ? new ModelFailure('timed_out', 'The model did not answer in time.')
              : null
        if (failure === null) throw error
        return { ...analysis, model: use(failure.outcome, failure.message, spent) }
      }
    },
  }

  /** @throws ModelFailure */
  async function ask(question: Question, signal: AbortSignal, spent: Spent): Promise<Answer> {
    let { messages } = question
    for (let round = 1; ; round += 1) {
      const reply = await provider.ask({ ...question, messages }, signal)
      add(spent, reply)
      if (reply.failure !== null) throw reply.failure
      const parsed = parseAnswer(reply.text)
      if ('answer' in parsed) return parsed.answer
      if (round === ROUNDS)
        throw new ModelFailure('no_answer', 'The model did not answer in the form asked for.')
      if (spent.inputTokens * 2 + spent.outputTokens + MAX_OUTPUT_TOKENS > budgetTokens) {
        throw new ModelFailure(
          'over_budget',
          'The model answered in a wrong form, and asking again is over the budget.',
        )
      }
      messages = [
        ...messages,
        { role: 'assistant', content: reply.text },
        { role: 'user', content: repairRequest(parsed.problem) },
      ]
    }
  }

  function add(spent: Spent, reply: Reply): void {
    spent.inputTokens += reply.inputTokens
    spent.outputTokens += reply.outputTokens
    const cost = reply.costUsd ?? costOf(provider.kind, provider.model, reply.inputTokens, reply.outputTokens)
    if (cost !== null) spent.costUsd = (spent.costUsd ?? 0) + cost
  }

  function use(outcome: ModelUse['outcome'], detail: string | null, spent: Spent): ModelUse {
    return { provider: provider.kind, model: provider.model, outcome, ...spent, detail }
  }
}

interface Spent {
  inputTokens: number
  outputTokens: number
  costUsd: number | null
}

function hasGaps({ env, arguments: args }: Analysis): boolean {
  return (
    args.some(({ description }) => description === null) ||
    env.some(
      ({ description, helpUrl, secret, confidence }) =>
        description === null || (secret && helpUrl === null) || confidence < 0.6,
    )
  )
}

/** @throws ModelFailure `over_budget` when not even the list of names fits */
function prepare(
  analysis: Analysis,
  snapshot: Snapshot,
  budgetTokens: number,
): { question: Question; files: ReturnType<typeof chooseFiles> } {
  const mark = randomBytes(12).toString('hex')
  const fixed =
    SYSTEM.length + describeFiles(analysis, [], mark).length + JSON.stringify(ANSWER_SCHEMA).length
  const room = budgetTokens - MAX_OUTPUT_TOKENS - Math.ceil(fixed / CHARACTERS_PER_TOKEN)
  if (room <= 0)
    throw new ModelFailure('over_budget', 'The budget is too small for this server. Nothing was asked.')
  const files = chooseFiles(analysis, snapshot, room)
  return {
    files,
    question: {
      system: SYSTEM,
      messages: [{ role: 'user', content: describeFiles(analysis, files, mark) }],
      schema: ANSWER_SCHEMA,
      maxOutputTokens: MAX_OUTPUT_TOKENS,
    },
  }
}
