import { FLY_PRICES } from './fly-prices.ts'
import type { RuntimeKind } from './launch-spec.ts'

/** What a GiB of memory costs for an hour awake, where whoever runs the installation says so. */
export interface MemoryPrice {
  readonly amount: number
  /** ISO 4217 */
  readonly currency: string
}

/** How long a deployment was awake on one runtime, and with how much memory. */
export interface Awake {
  readonly runtime: RuntimeKind
  readonly awakeHours: number
  /** Memory limit times the time awake. */
  readonly gibHours: number
}

export interface Cost {
  /** Null where there is no price. */
  readonly amount: number | null
  readonly currency: string | null
  /** How it is reckoned, in words. */
  readonly formula: string
}

/** Memory that a pod requests beside what its server may take, for the bridge. */
export const POD_BRIDGE_MIB = 128

const HOURS_OF_30_DAYS = 720

/** What time awake costs. Where no price is known it is told what there is to be priced. */
export function costOf({ runtime, awakeHours, gibHours }: Awake, price: MemoryPrice | null): Cost {
  switch (runtime) {
    case 'fly': {
      const { currency, machine30Days, machineGib, gib30Days, asOf } = FLY_PRICES
      const moreGibHours = Math.max(0, gibHours - awakeHours * machineGib)
      const amount = (awakeHours * machine30Days + moreGibHours * gib30Days) / HOURS_OF_30_DAYS
      const formula = `${figure(awakeHours)} h awake × ${machine30Days} ${currency} / 720 h for a shared-cpu-1x Machine with 256 MB, and ${figure(moreGibHours)} GB-hours beyond × ${gib30Days} ${currency} / 720 h. Fly's prices of ${asOf}, without volumes, suspended and stopped Machines, traffic and what a region costs more`
      return { amount, currency, formula }
    }
    case 'kubernetes': {
      const requested = gibHours + (awakeHours * POD_BRIDGE_MIB) / 1024
      return priced(
        requested,
        price,
        `Requested memory (the limit and ${POD_BRIDGE_MIB} MiB) × ${figure(awakeHours)} h awake = ${figure(requested)} GiB-hours`,
      )
    }
    case 'local':
    case 'docker':
      return priced(
        gibHours,
        price,
        `Memory limit × ${figure(awakeHours)} h awake = ${figure(gibHours)} GiB-hours`,
      )
    case 'remote':
      return { amount: null, currency: null, formula: 'It runs elsewhere, so nothing is measured' }
  }
}

function priced(gibHours: number, price: MemoryPrice | null, formula: string): Cost {
  if (price === null) return { amount: null, currency: null, formula: `${formula}. No price is set` }
  const { amount, currency } = price
  return {
    amount: gibHours * amount,
    currency,
    formula: `${formula}, × ${amount} ${currency} a GiB-hour`,
  }
}

/** Three figures that count. */
function figure(value: number): string {
  return value === 0 ? '0' : String(Number(value.toPrecision(value >= 100 ? 4 : 3)))
}
