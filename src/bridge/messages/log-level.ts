/** Most verbose first (RFC 5424, as MCP logging names them). */
const LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency']

export function isLogLevel(level: string): boolean {
  return LEVELS.includes(level)
}

/** Whether a message of this level is for a client that asked for `lowest` and above; null asked for nothing. */
export function passesLevel(level: string | undefined, lowest: string | null): boolean {
  if (level === undefined || lowest === null) return true
  return LEVELS.indexOf(level) >= LEVELS.indexOf(lowest)
}

/** The most verbose of the levels, or undefined when none is known. */
export function mostVerbose(levels: Iterable<string | null>): string | undefined {
  let best: string | undefined
  for (const level of levels) {
    if (level === null || !LEVELS.includes(level)) continue
    if (best === undefined || LEVELS.indexOf(level) < LEVELS.indexOf(best)) best = level
  }
  return best
}
