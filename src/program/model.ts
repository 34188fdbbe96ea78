import type { Config } from '../config/index.ts'
import type { ModelReader, WorkspaceValues } from '../domain/index.ts'
import { createAnthropic, createModelReader, createOpenRouter } from '../model/index.ts'

/**
 * The language model that may help analyses, or null without a key. A workspace's own keys come before those of the
 * installation, and one for Anthropic before one for OpenRouter.
 */
export function createModel(config: Config, values: WorkspaceValues): ModelReader | null {
  const limits = { budgetTokens: config.modelBudgetTokens, timeoutMs: config.modelTimeoutMs }
  const isOwn = values.has('ANTHROPIC_API_KEY') || values.has('OPENROUTER_API_KEY')
  const anthropicKey = isOwn ? values.get('ANTHROPIC_API_KEY') : config.anthropicApiKey
  const openRouterKey = isOwn ? values.get('OPENROUTER_API_KEY') : config.openRouterApiKey
  // The name that is configured is one of the service that the installation itself uses.
  const named = config.anthropicApiKey !== null ? 'anthropic' : 'openrouter'
  const nameAt = (service: typeof named, standard: string): string =>
    isOwn && service !== named ? standard : (config.model ?? standard)
  if (anthropicKey) {
    const provider = createAnthropic({
      apiKey: anthropicKey,
      baseUrl: config.anthropicBaseUrl,
      model: nameAt('anthropic', 'claude-haiku-4-5'),
    })
    return createModelReader({ provider, ...limits })
  }
  if (!openRouterKey) return null
  const provider = createOpenRouter({
    apiKey: openRouterKey,
    baseUrl: config.openRouterBaseUrl,
    model: nameAt('openrouter', 'anthropic/claude-haiku-4.5'),
  })
  return createModelReader({ provider, ...limits })
}
