import {
  CatwalkError,
  parseSource,
  type GitPackage,
  type HeldSnapshot,
  type SourceHost,
} from '../domain/index.ts'
import type { WorkspaceServices } from './workspace-services.ts'

/**
 * Opens the files of a repository at the commit that a release was made of, from the cache where they are there, with
 * the rights of the workspace that it belongs to.
 * @throws CatwalkError those of {@link SourceHost}
 */
export function openRepositoryOf(
  sources: SourceHost,
  services: Pick<WorkspaceServices, 'reading'>,
): (workspaceId: string, spec: GitPackage, signal: AbortSignal) => Promise<HeldSnapshot> {
  return async (workspaceId, { repository, commit }, signal) => {
    const source = parseSource(`git:${repository}`, { githubHosts: sources.githubHosts })
    if (source.kind !== 'github' && source.kind !== 'git')
      throw new CatwalkError('source_not_deployable', 'The release does not come from a repository.')
    const pinned = { ...source, ref: commit, path: '' }
    const within = await services.reading(workspaceId, pinned, signal)
    return sources.open({ source: pinned, content: commit, url: repository }, within)
  }
}
