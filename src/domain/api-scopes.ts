/**
 * Whether the scopes of an API key include what a route asks for. Which scopes there are, the contract says.
 * @param scopes null for who is held to none
 * @param asked a scope, `any` for what every key may, `full` for what needs a key that is held to none
 */
export function includesScope(scopes: readonly string[] | null, asked: string): boolean {
  if (scopes === null || asked === 'any') return true
  if (asked === 'full') return false
  if (scopes.includes(asked)) return true
  if (!asked.endsWith(':read')) return false
  // Whoever may deploy decides what runs and what it prints, and follows it while it starts.
  if (asked === 'logs:read' && scopes.includes('deployments:write')) return true
  return scopes.includes(asked.replace(':read', ':write'))
}
