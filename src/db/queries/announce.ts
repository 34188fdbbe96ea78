import { sql } from 'kysely'
import type { Handle } from './handle.ts'

/** The one channel on which the parts of the program tell each other what changed. */
export const CHANNEL = 'catwalk'

/**
 * `deployment`: what it is, what it should be or who may call it changed. `feed`: there are new events or log lines.
 */
export type Announcement = { readonly kind: 'deployment' | 'feed'; readonly deploymentId: string }

/** Tells every replica, when the surrounding transaction commits. */
export async function announce(db: Handle, kind: Announcement['kind'], deploymentId: string): Promise<void> {
  await sql`select pg_notify(${CHANNEL}, ${`${kind}:${deploymentId}`})`.execute(db)
}

/** Reads a payload of the channel; null for one that this version does not know. */
export function readAnnouncement(payload: string): Announcement | null {
  const [kind, deploymentId] = payload.split(':')
  if (deploymentId === undefined || (kind !== 'deployment' && kind !== 'feed')) return null
  return { kind, deploymentId }
}
