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
  /** It takes no token, so people must be able to sign in. */
  readonly onlySignsIn?: true
}

const RECIPES: Readonly<Record<ClientName, Recipe>> = {
  claude: {
    title: 'Claude on the web, the desktop and the phone',
    where: 'Settings, Connectors, Add custom connector: paste the address, then press Connect',
    text: ({ endpoint }) => endpoint,
    onlySignsIn: true,
  },
  chatgpt: {
    title: 'ChatGPT',
    where: 'Settings, Connectors, in developer mode Create: paste the address, choose OAuth',
    text: ({ endpoint }) => endpoint,
    onlySignsIn: true,
  },
  'claude-code': { title: 'Claude Code', where: 'type in a terminal', text: claudeCodeLine },
  cursor: { title: 'Cursor', where: 'put into ~/.cursor/mcp.json', text: mcpServersJson },
  vscode: { title: 'VS Code', where: 'type in a terminal', text: vsCodeLine },
  json: { title: 'Other clients', where: 'put into their list of servers', text: mcpServersJson },
}

/** Whether a client takes no token. */
export function onlySignsIn(client: ClientName): boolean {
  return RECIPES[client].onlySignsIn === true
}

/** What to type or paste so that a client uses the endpoint. @param token null where the client signs in */
export function clientSetup(
  client: ClientName,
  name: string,
  endpoint: string,
  token: string | null,
): ClientSetup {
  const { title, where, text } = RECIPES[client]
  return { client, title, where, text: text({ name, endpoint, token, signIn: token === null }) }
}
