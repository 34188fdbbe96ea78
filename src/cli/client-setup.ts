/** The programs for which ready-made lines are printed. */
export const CLIENTS = ['claude-code', 'cursor', 'vscode', 'json'] as const

export type ClientName = (typeof CLIENTS)[number]

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
  readonly text: (name: string, endpoint: string, authorization: string) => string
}

const RECIPES: Readonly<Record<ClientName, Recipe>> = {
  'claude-code': {
    title: 'Claude Code',
    where: 'type in a terminal',
    text: (name, endpoint, authorization) =>
      [
        'claude',
        'mcp',
        'add',
        '--transport',
        'http',
        name,
        endpoint,
        '--header',
        `Authorization: ${authorization}`,
      ]
        .map(shellWord)
        .join(' '),
  },
  cursor: {
    title: 'Cursor',
    where: 'put into ~/.cursor/mcp.json',
    text: (name, url, Authorization) =>
      pretty({ mcpServers: { [name]: { url, headers: { Authorization } } } }),
  },
  vscode: {
    title: 'VS Code',
    where: 'type in a terminal',
    text: (name, url, Authorization) =>
      `code --add-mcp ${shellWord(JSON.stringify({ name, type: 'http', url, headers: { Authorization } }))}`,
  },
  json: {
    title: 'Other clients',
    where: 'put into their list of servers',
    text: (name, url, Authorization) =>
      pretty({ mcpServers: { [name]: { type: 'http', url, headers: { Authorization } } } }),
  },
}

/** What to type or paste so that a client uses the endpoint. */
export function clientSetup(client: ClientName, name: string, endpoint: string, token: string): ClientSetup {
  const { title, where, text } = RECIPES[client]
  return { client, title, where, text: text(name, endpoint, `Bearer ${token}`) }
}

function pretty(document: unknown): string {
  return JSON.stringify(document, null, 2)
}

/** One word for a POSIX shell. */
function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
