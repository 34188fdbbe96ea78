import { claudeCodeLine, mcpServersJson, vsCodeLine, type ConnectTarget } from '../contract/index.ts'
import type { ClientName } from './options.ts'

export interface ClientSetup {
  readonly client: ClientName
  readonly title: string
  /** What to do with the text. */
  readonly where: string
  readonly text: string
}

interface Recipe {
  readonly title: string
  readonly where: string
  readonly text: (target: ConnectTarget) => string
}

const RECIPES: Readonly<Record<ClientName, Recipe>> = {
  'claude-code': { title: 'Claude Code', where: 'type in a terminal', text: claudeCodeLine },
  cursor: { title: 'Cursor', where: 'put into ~/.cursor/mcp.json', text: mcpServersJson },
  vscode: { title: 'VS Code', where: 'type in a terminal', text: vsCodeLine },
  json: { title: 'Other clients', where: 'put into their list of servers', text: mcpServersJson },
}

/** What to type or paste so that a client uses the endpoint. */
export function clientSetup(client: ClientName, name: string, endpoint: string, token: string): ClientSetup {
  const { title, where, text } = RECIPES[client]
  return { client, title, where, text: text({ name, endpoint, token }) }
}
