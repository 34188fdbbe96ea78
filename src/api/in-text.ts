type InText<T> = {
  [K in keyof T]: T[K] extends Date ? string : T[K] extends Date | null ? string | null : T[K]
}

/** The same with its times as the contract has them. */
export function inText<T extends object>(value: T): InText<T> {
  const entries = Object.entries(value).map(([key, item]: [string, unknown]) => [
    key,
    item instanceof Date ? item.toISOString() : item,
  ])
  // Every Date became its text, and nothing else changed.
  return Object.fromEntries(entries) as InText<T>
}
