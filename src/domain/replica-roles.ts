/** What a replica does: API and dashboard, endpoints, running servers. */
export const REPLICA_ROLES = ['api', 'gateway', 'reconciler'] as const

export type ReplicaRole = (typeof REPLICA_ROLES)[number]
