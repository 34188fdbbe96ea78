import { sql } from 'kysely'
import type { Handle } from './handle.ts'

/** The one channel on which the parts of the program tell each other what changed. */
export const CHANNEL = 'catwalk'

/**
 * `deployment`: what it is, what it should be or who may call it changed. `feed`: there are new events or log lines.
 * `access`: somebody may have lost access; sent by triggers of the database, whoever made the change. `session`: a client has ended its MCP session.
 */
export type Announcement =
  | { readonly kind: 'deployment' | 'feed'; readonly deploymentId: string }
  | { readonly kind: 'access' }
  | {
      readonly kind: 'session'
      readonly deploymentId: string
      readonly sessionId: string
      readonly expiresAt: Date
    }

/** Tells every replica, when the surrounding transaction commits. */
export async function announce(db: Handle, kind: 'deployment' | 'feed', deploymentId: string): Promise<void> {
  await sql`select pg_notify(${CHANNEL}, ${`${kind}:${deploymentId}`})`.execute(db)
}

/** Reads a payload of the channel; null for one that this version does not know. */
export function readAnnouncement(payload: string): Announcement | null {
  const [kind, deploymentId, sessionId, expiresAtMs] = payload.split(':')
  if (kind === 'access') return { kind }
  if (deploymentId === undefined) return null
  if (kind === 'deployment' || kind === 'feed') return { kind, deploymentId }
  if (kind !== 'session' || sessionId === undefined) return null
  return { kind, deploymentId, sessionId, expiresAt: new Date(Number(expiresAtMs)) }
}
