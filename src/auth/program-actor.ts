import type { Actor } from '../domain/index.ts'

/** Who made what nobody made. */
export const PROGRAM_ID = 'catwalk'

/** The program itself, in the audit log. */
export function programActor(workspaceId: string): Actor {
  return { kind: 'system', id: PROGRAM_ID, label: 'Catwalk', workspaceId, role: 'owner', address: null }
}
