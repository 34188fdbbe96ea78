import type { BundlePackage, HeldSnapshot, SourceHost } from '../domain/index.ts'
import type { WorkspaceServices } from './workspace-services.ts'

/**
 * Opens the files of the bundle that a release was made of, from the cache where they are there.
 * @throws CatwalkError those of {@link SourceHost}
 */
export function openBundleOf(
  sources: SourceHost,
  services: Pick<WorkspaceServices, 'reading'>,
): (workspaceId: string, spec: BundlePackage, signal: AbortSignal) => Promise<HeldSnapshot> {
  return async (workspaceId, { url, sha256 }, signal) => {
    const source = { kind: 'mcpb', url, sha256 } as const
    return sources.open({ source, content: sha256, url }, await services.reading(workspaceId, source, signal))
  }
}
