import type { ModelUse } from '../domain/index.ts'

/** US dollars for a million tokens, input and output, as Anthropic lists them. OpenRouter tells the cost itself. */
const PRICES: Readonly<Record<string, readonly [input: number, output: number]>> = {
  'claude-haiku-4-5': [1, 5],
  'claude-sonnet-4-5': [3, 15],
  'claude-sonnet-4-6': [3, 15],
  'claude-opus-4-5': [5, 25],
  'claude-opus-4-6': [5, 25],
}

/** What the tokens cost, null for a model whose price is not known. */
export function costOf(
  provider: ModelUse['provider'],
  model: string,
  inputTokens: number,
  outputTokens: number,
): number | null {
  // A dated name is the same model.
  const price = provider === 'anthropic' ? PRICES[model.replace(/-\d{8}$/, '')] : undefined
  return price === undefined ? null : (inputTokens * price[0] + outputTokens * price[1]) / 1_000_000
}
