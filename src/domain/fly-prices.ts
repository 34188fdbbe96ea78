/**
 * What Fly asks for a running Machine, in regions without a markup: about/pricing and blueprints/shared-nothing of
 * github.com/superfly/docs at commit 5c22c8ce. A region may cost more; see https://fly.io/docs/about/pricing/.
 */
export const FLY_PRICES = {
  asOf: '2026-08-07',
  currency: 'USD',
  /** A shared-cpu-1x Machine that runs for 30 days, with the memory that comes with it. */
  machine30Days: 1.94,
  machineGib: 0.25,
  /** Each GB of memory beyond that, for 30 days. */
  gib30Days: 5,
} as const
