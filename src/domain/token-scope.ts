/** `read`: lists, reads and prompts, but no tool is called. */
export type TokenScope = 'read' | 'full'

// Named one by one: a method that some later revision brings is not open to a reader by itself.
const READING: ReadonlySet<string> = new Set([
  'initialize',
  'server/discover',
  'ping',
  'tools/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'prompts/list',
  'prompts/get',
  'completion/complete',
  'subscriptions/listen',
  'logging/setLevel',
])

/** Whether a token of this scope may send requests with this method of MCP. */
export function mayRequest(scope: TokenScope, method: string): boolean {
  return scope === 'full' || READING.has(method)
}
