import type { Config } from '../config/index.ts'
import type { ModelReader } from '../domain/index.ts'
import { createAnthropic, createModelReader, createOpenRouter } from '../model/index.ts'

/** The language model that may help analyses, or null without a key. A key for Anthropic comes first. */
export function createModel(config: Config): ModelReader | null {
  const limits = { budgetTokens: config.modelBudgetTokens, timeoutMs: config.modelTimeoutMs }
  if (config.anthropicApiKey !== null) {
    const provider = createAnthropic({
      apiKey: config.anthropicApiKey,
      baseUrl: config.anthropicBaseUrl,
      model: config.model ?? 'claude-haiku-4-5',
    })
    return createModelReader({ provider, ...limits })
  }
  if (config.openRouterApiKey === null) return null
  const provider = createOpenRouter({
    apiKey: config.openRouterApiKey,
    baseUrl: config.openRouterBaseUrl,
    model: config.model ?? 'anthropic/claude-haiku-4.5',
  })
  return createModelReader({ provider, ...limits })
}
