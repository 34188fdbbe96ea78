/** Deeper than any real result, shallow enough for the call stack. */
export const SERVER_SCAN = { maxDepth: 1000, trusted: true } as const
