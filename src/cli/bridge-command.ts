import type { BridgeCommand } from './programs.ts'

/** Where a bridge listens unless it is told. */
export const BRIDGE_HOST = '127.0.0.1'

const FIELDS: ReadonlyMap<string, 'port' | 'host' | 'secretFile'> = new Map([
  ['--port', 'port'],
  ['--host', 'host'],
  ['--secret-file', 'secretFile'],
])

/**
 * Reads `bridge OPTION VALUE … -- COMMAND …`, as it is nearly always written. Null for anything else: that is for the
 * definition in program.ts, which knows every form and says what is wrong. What that one loads, a bridge would keep for as
 * long as it runs.
 */
export function readBridgeCommand(words: readonly string[]): BridgeCommand | null {
  const end = words.indexOf('--')
  const [command, ...args] = words.slice(end + 1)
  if (words[0] !== 'bridge' || end % 2 !== 1 || command === undefined) return null
  const given: Partial<Record<'port' | 'host' | 'secretFile', string>> = {}
  for (let at = 1; at < end; at += 2) {
    const field = FIELDS.get(words[at] ?? '')
    const value = words[at + 1]
    if (field === undefined || value === undefined || value === '' || value.startsWith('-')) return null
    given[field] = value
  }
  const { port = '', host = BRIDGE_HOST, secretFile } = given
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) return null
  return {
    command: [command, ...args],
    port: Number(port),
    host,
    ...(secretFile === undefined ? {} : { secretFile }),
  }
}
