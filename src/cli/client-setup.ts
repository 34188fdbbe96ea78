import {
  claudeCodeLine,
  cursorLink,
  mcpServersJson,
  SIGN_IN_STEPS,
  TOKEN_PLACEHOLDER,
  vsCodeLine,
  vsCodeLink,
  type ConnectTarget,
} from '../contract/index.ts'
import type { ClientName } from './options.ts'

export interface ClientSetup {
  readonly client: ClientName
  readonly title: string
  /** What to do with the text. */
  readonly where: string
  readonly text: string
  /** Opens the client and adds the server; null where it has no such link, or would keep a placeholder. */
  readonly link: string | null
  /** What comes then, where people sign in. */
  readonly signIn: string | null
}

interface Recipe {
  readonly title: string
  readonly where: string
  readonly text: (target: ConnectTarget) => string
  readonly link?: (target: ConnectTarget) => string
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
  cursor: {
    title: 'Cursor',
    where: 'put into ~/.cursor/mcp.json',
    text: mcpServersJson,
    link: cursorLink,
  },
  vscode: { title: 'VS Code', where: 'type in a terminal', text: vsCodeLine, link: vsCodeLink },
  json: { title: 'Other clients', where: 'put into their list of servers', text: mcpServersJson },
}

/** Whether a client takes no token. */
export function onlySignsIn(client: ClientName): boolean {
  return RECIPES[client].onlySignsIn === true
}

/**
 * What to type or paste so that a client uses the endpoint.
 * @param token null where the client signs in, or shows nothing
 * @param asks whether people are asked to sign in
 */
export function clientSetup(
  client: ClientName,
  name: string,
  endpoint: string,
  token: string | null,
  asks = token === null,
): ClientSetup {
  const { title, where, text, link } = RECIPES[client]
  const target = { name, endpoint, token, signIn: token === null }
  return {
    client,
    title,
    where,
    text: text(target),
    link: link === undefined || token === TOKEN_PLACEHOLDER ? null : link(target),
    signIn: asks && client !== 'json' ? SIGN_IN_STEPS[client] : null,
  }
}
