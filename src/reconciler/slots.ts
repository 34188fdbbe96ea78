/** Lets only so many pieces of work go on at once; the others wait in the order they came. */
export interface Slots {
  run(work: () => Promise<void>): Promise<void>
}

export function createSlots(count: number): Slots {
  const waiting: (() => void)[] = []
  let taken = 0
  return {
    async run(work) {
      if (taken >= count) await new Promise<void>((resolve) => waiting.push(resolve))
      else taken++
      try {
        await work()
      } finally {
        const next = waiting.shift()
        if (next === undefined) taken--
        else next()
      }
    },
  }
}
