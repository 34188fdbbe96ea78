import type { Era } from '../../src/bridge/processes/era.ts'

/** One official client in one of its modes, connected. */
export interface OfficialClient extends AsyncDisposable {
  /** How the client and the endpoint agreed to speak. */
  readonly era: Era
  /** Notifications that came, in order: their method, and what they are about. */
  readonly heard: readonly string[]
  /** What the server asked this client, in order. */
  readonly asked: readonly Asked[]
  /** Names of what the server lists. */
  tools(): Promise<string[]>
  resources(): Promise<string[]>
  templates(): Promise<string[]>
  prompts(): Promise<string[]>
  /** The contents of a resource: text, or base64. */
  read(uri: string): Promise<string>
  /** The texts of a prompt's messages. */
  prompt(name: string, given?: Readonly<Record<string, string>>): Promise<string[]>
  complete(prompt: string, argument: string, value: string): Promise<string[]>
  /** The text in a tool's result. */
  call(name: string, given?: Readonly<Record<string, unknown>>, options?: CallOptions): Promise<string>
  /** Asks for log messages of every level; in the modern era with each call from now on. */
  wantLogs(): Promise<void>
  /** Asks to hear of changes of all lists and of this resource. */
  subscribe(uri: string): Promise<void>
  /** Only of the legacy era. */
  ping(): Promise<void>
}

export type Asked = 'form' | 'url' | 'sampling' | 'roots'

export interface CallOptions {
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: number) => void
}

/** Opens a client. `able`: it declares and answers whatever a server may ask. */
export type Connect = (
  url: string,
  able: boolean,
  headers?: Record<string, string>,
) => Promise<OfficialClient>

/** What a client that can be asked anything declares. */
export const ABLE = {
  sampling: {},
  elicitation: { form: {}, url: {} },
  roots: { listChanged: true },
} as const
export const INFO = { name: 'official', version: '1' }
export const ROOT = { uri: 'file:///work', name: 'work' }
export const SAMPLE = {
  role: 'assistant',
  model: 'm',
  content: { type: 'text', text: 'Paris' },
} as const
/** Soon, so that a test of it does not wait. */
export const RECONNECTION = {
  initialReconnectionDelay: 20,
  maxReconnectionDelay: 100,
  reconnectionDelayGrowFactor: 2,
  maxRetries: 20,
}

/** The fields of a form that every form of the fixtures needs, by its schema. */
export function fillIn(schema: unknown): Record<string, string | boolean> {
  const { properties = {}, required = [] } = schema as {
    properties?: Record<string, { type?: string }>
    required?: readonly string[]
  }
  return Object.fromEntries(
    required.map((name) => [name, properties[name]?.type === 'boolean' ? true : name]),
  )
}

/** The text of a result's first item of content. */
export function firstText(content: readonly { readonly type: string }[] | undefined): string {
  const [first] = content ?? []
  return first !== undefined && 'text' in first ? String(first.text) : `no text but ${first?.type}`
}

/** A notification in the words of {@link OfficialClient.heard}. */
export function inWords(method: string, params: object = {}): string {
  const { uri, data } = params as { uri?: string; data?: unknown }
  return [method.replace('notifications/', ''), uri ?? data ?? ''].map(String).join(' ').trim()
}

export const LIST_CHANGES = ['tools', 'prompts', 'resources'] as const
