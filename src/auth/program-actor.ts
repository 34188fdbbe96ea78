import type { Actor } from '../domain/index.ts'

/** The program itself, in the audit log. */
export function programActor(workspaceId: string): Actor {
  return { kind: 'system', id: 'catwalk', label: 'Catwalk', workspaceId, role: 'owner', address: null }
}
