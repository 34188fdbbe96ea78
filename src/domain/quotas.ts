/** What a workspace may use; 0 is no limit. */
export interface Quotas {
  readonly deployments: number
  /** Of all deployments together, asleep or not. */
  readonly memoryMiB: number
  /** On each replica. */
  readonly callsPerMinute: number
  /** Under way at once, on each replica. */
  readonly concurrentCalls: number
}

export type QuotaName = keyof Quotas

/** What is set for one workspace; null is as for every one. */
export type OwnQuotas = Readonly<Record<QuotaName, number | null>>

/** What counts for a workspace. */
export function quotasOf(own: OwnQuotas | null, everyones: Quotas): Quotas {
  return {
    deployments: own?.deployments ?? everyones.deployments,
    memoryMiB: own?.memoryMiB ?? everyones.memoryMiB,
    callsPerMinute: own?.callsPerMinute ?? everyones.callsPerMinute,
    concurrentCalls: own?.concurrentCalls ?? everyones.concurrentCalls,
  }
}
