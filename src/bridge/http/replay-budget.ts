/** Something that keeps messages for resumption and can be told to drop them. */
export interface Keeper {
  /** Drops everything kept, and charges the budget back. */
  drop(): void
}

export interface ReplayBudget {
  charge(keeper: Keeper, bytes: number): void
}

/** Bounds what all streams keep together; the streams that began to keep first lose theirs first. */
export function createReplayBudget(maxBytes: number): ReplayBudget {
  const held = new Map<Keeper, number>()
  let total = 0
  return {
    charge(keeper, bytes) {
      const sum = (held.get(keeper) ?? 0) + bytes
      if (sum === 0) held.delete(keeper)
      else held.set(keeper, sum)
      total += bytes
      if (total <= maxBytes) return
      // Dropping charges back, which changes both the map and the total.
      for (const first of held.keys()) {
        first.drop()
        if (total <= maxBytes) return
      }
    },
  }
}
