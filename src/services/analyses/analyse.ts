import type { ParsedInput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import {
  formatSource,
  newId,
  parseSource,
  snippetTarget,
  type AnalysableSource,
  type SnippetTarget,
} from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'
import { presentAnalysis } from './present.ts'
import type { Run } from './run.ts'

export type AnalysisQuestion = ParsedInput<'createAnalysis'>['body']

/**
 * Starts to find out what a source is, or joins an analysis that does so already. The values of a snippet stay in memory.
 * @throws CatwalkError `invalid_source`, `invalid_package`, `source_not_deployable`, `too_many_analyses`
 */
export function startAnalysing(ctx: ServiceContext, question: AnalysisQuestion): Run {
  const { snippet, ...target } = resolveSource(ctx, question)
  const { fresh, boot, model } = question
  const { workspaceId } = ctx.actor
  const id = newId('analysis')
  const asked = formatSource(target.source)
  const server = target.server ?? ''
  const about = snippet && {
    server: snippet.name,
    servers: [...snippet.servers],
    args: [...snippet.args],
    env: Object.keys(snippet.env),
  }
  const settings = { boot, model, programVersion: ctx.installation.version }
  // Only who asks for a fresh one gets none that began before.
  const key = JSON.stringify([asked, server, boot, model, about, fresh ? id : null])

  return ctx.analyses.start({
    id,
    workspaceId,
    key,
    source: asked,
    async work(onStep, signal) {
      const startedAt = performance.now()
      let recalled: queries.AnalysisRow | null = null
      const { pinned, analysis } = await ctx.analyzer.analyze(
        {
          workspaceId,
          source: target.source,
          server: target.server,
          boot,
          model,
          onStep,
          async recall(pinnedSource) {
            if (fresh) return null
            recalled = await queries.recallAnalysis(ctx.db, {
              workspaceId,
              pinned: pinnedSource,
              server,
              ...settings,
            })
            return recalled?.result ?? null
          },
        },
        signal,
      )
      const row =
        recalled ??
        (await queries.storeAnalysis(
          ctx.db,
          { workspaceId, pinned, server, ...settings },
          { id, source: asked, result: analysis, durationMs: Math.round(performance.now() - startedAt) },
        ))
      return presentAnalysis(row, { cached: recalled !== null, snippet: about })
    },
  })
}

export interface ResolvedSource {
  readonly source: AnalysableSource
  readonly server: string | null
  /** Null when it was no snippet. Holds values that may be secrets. */
  readonly snippet: SnippetTarget | null
}

/**
 * What a text and the name of a server in it stand for.
 * @throws CatwalkError `invalid_source`, `invalid_package`, `source_not_deployable`, `server_not_found`
 */
export function resolveSource(
  { analyzer }: Pick<ServiceContext, 'analyzer'>,
  {
    source: text,
    server = null,
  }: {
    source: string
    server?: string | undefined | null
  },
): ResolvedSource {
  const source = parseSource(text, { githubHosts: analyzer.githubHosts })
  if (source.kind !== 'snippet') return { source, server, snippet: null }
  const snippet = snippetTarget(source, server)
  return { source: snippet.source, server: null, snippet }
}
