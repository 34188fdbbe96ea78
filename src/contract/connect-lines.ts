/** What a client is to be connected to. */
export interface ConnectTarget {
  /** What the client shall call the server. */
  readonly name: string
  readonly endpoint: string
  /** null when it is not known here: it was shown once, some other time. */
  readonly token: string | null
  /** Whether the client signs in, or nobody has to: then no token is written into the lines. */
  readonly signIn?: boolean
}

/** Stands where a token is to be put in. */
export const TOKEN_PLACEHOLDER = 'YOUR_TOKEN'

const authorization = ({ token }: ConnectTarget) => `Bearer ${token ?? TOKEN_PLACEHOLDER}`
const needsToken = ({ signIn }: ConnectTarget) => signIn !== true

/** Clients that people sign in with, as the set-up help names them. */
export type SignInClient = 'claude' | 'chatgpt' | 'claude-code' | 'cursor' | 'vscode'

/** Where people sign in: what a client does after it was set up, and how the page that asks them looks. */
export const SIGN_IN_STEPS: Readonly<Record<SignInClient, string>> = {
  claude:
    'Press Connect. The page asks whether to connect Claude, described at claude.ai, and sends you back there.',
  chatgpt:
    'Press Connect. The page asks whether to connect ChatGPT, described at chatgpt.com, and sends you back there.',
  'claude-code':
    'Type /mcp in Claude Code, choose the server and Authenticate. The page says that it sends you to localhost, a program on your machine: right, if you have just done this yourself.',
  cursor:
    'In Cursor Settings, MCP, press the sign-in beside the server. The page says that the client registered itself and that it sends you to cursor, an app on your machine: right, if you have just done this yourself.',
  vscode:
    'Start the server and allow VS Code to sign in. The page says that it sends you to 127.0.0.1, a program on your machine, or to vscode.dev: right, if you have just done this yourself.',
}

/** For a shell: adds the server to Claude Code. */
export function claudeCodeLine(target: ConnectTarget): string {
  const { name, endpoint } = target
  const header = needsToken(target) ? ` --header ${shell(`Authorization: ${authorization(target)}`)}` : ''
  return `claude mcp add --transport http ${shell(name)} ${shell(endpoint)}${header}`
}

/** The `mcpServers` entry that most clients read. */
export function mcpServersJson(target: ConnectTarget): string {
  const server = { type: 'http', ...remote(target) }
  return JSON.stringify({ mcpServers: { [target.name]: server } }, null, 2)
}

/** For a shell: adds the server to VS Code. */
export function vsCodeLine(target: ConnectTarget): string {
  return `code --add-mcp ${shell(vsCodeServer(target))}`
}

/** For `.vscode/mcp.json`. */
export function vsCodeJson(target: ConnectTarget): string {
  return JSON.stringify({ servers: { [target.name]: { type: 'http', ...remote(target) } } }, null, 2)
}

/** Opens Cursor and adds the server. */
export function cursorLink(target: ConnectTarget): string {
  const config = base64(JSON.stringify(remote(target)))
  return `cursor://anysphere.cursor-deeplink/mcp/install?name=${encodeURIComponent(target.name)}&config=${encodeURIComponent(config)}`
}

/** Opens VS Code and adds the server. */
export function vsCodeLink(target: ConnectTarget): string {
  return `vscode:mcp/install?${encodeURIComponent(vsCodeServer(target))}`
}

function vsCodeServer(target: ConnectTarget): string {
  return JSON.stringify({ name: target.name, type: 'http', ...remote(target) })
}

function remote(target: ConnectTarget) {
  if (!needsToken(target)) return { url: target.endpoint }
  return { url: target.endpoint, headers: { Authorization: authorization(target) } }
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)))
}

/** Quotes a word for a POSIX shell where it needs it. */
function shell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
