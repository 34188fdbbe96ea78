import type { queries } from '../../db/index.ts'
import { needsConfirmation, slugify, suggestName, type Analysis as Found } from '../../domain/index.ts'
import type { Analysis } from './run.ts'

/** A stored analysis as the API shows it. */
export function presentAnalysis(
  row: queries.AnalysisRow,
  asked: Pick<Analysis, 'cached' | 'snippet'>,
): Analysis {
  const { result } = row
  const name = suggestName(nameOf(result))
  return {
    // Copied through JSON, so that what is read-only inside fits what the contract can say.
    ...(JSON.parse(JSON.stringify(result)) as Analysis),
    id: row.id,
    analysedAt: row.created_at.toISOString(),
    durationMs: row.duration_ms,
    asked: row.source,
    name,
    slug: slugify(name),
    warnings: result.warnings.map((warning) => ({ ...warning, confirm: needsConfirmation(warning.code) })),
    ...asked,
  }
}

/** What the server is called best: the package, or the folder or repository that it is built from. */
export function nameOf({ launch, source }: Found): string {
  const registry = launch?.package.registry
  if (launch !== null && (registry === 'npm' || registry === 'pypi' || registry === 'mcpb'))
    return launch.package.name
  const text =
    registry === 'oci' || registry === 'remote' ? (launch?.package.name ?? '') : source.path || source.url
  const url = URL.parse(text)
  if (registry === 'remote' && url !== null)
    return url.hostname.replace(/^(?:www|mcp|api)\./, '').replace(/\.\w+$/, '')
  const [last = 'server'] = text
    .replace(/\/tree\/[0-9a-f]{40,64}$/, '')
    .replace(/[@#?].*$/, '')
    .replace(/(?:\.git)?\/*$/, '')
    .split('/')
    .slice(-1)
  return last.replace(/:.*$/, '')
}
