import { CatwalkError, templateProblem, type AccountSource } from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'
import { findProvider } from './providers.ts'

/**
 * Where credentials come from, with the providers by id.
 * @throws CatwalkError `account_provider_not_found`, `invalid_request` for a template without the token
 */
export async function accountSources(
  { db, actor }: ServiceContext,
  wished: Readonly<Record<string, AccountSource>>,
): Promise<Readonly<Record<string, AccountSource>>> {
  const sources: Record<string, AccountSource> = {}
  for (const [name, { provider, template }] of Object.entries(wished)) {
    const problem = templateProblem(template)
    if (problem !== null) {
      throw new CatwalkError(
        'invalid_request',
        `The template of ${JSON.stringify(name.slice(0, 80))} ${problem}.`,
        {
          details: { field: 'accounts' },
        },
      )
    }
    sources[name] = { provider: (await findProvider(db, actor.workspaceId, provider)).id, template }
  }
  return sources
}
