import type { Config } from '../config/index.ts'
import {
  CatwalkError,
  Secret,
  type ServiceKeys,
  type WorkspaceSetting,
  type WorkspaceValues,
} from '../domain/index.ts'
import {
  createHttpClient,
  HttpFailure,
  readJson,
  type HttpClient,
  type HttpResponse,
} from '../network/index.ts'
import type { WorkspaceServices } from './workspace-services.ts'

export interface ServiceKeysOptions {
  readonly config: Config
  readonly userAgent: string
  /** Where packages come from without any workspace's key. */
  readonly registries: Pick<WorkspaceServices, 'npmConfiguration' | 'pythonIndex'>
}

const MAX_ANSWER_BYTES = 1024 * 1024
const TIMEOUT_MS = 10_000

interface Question {
  /** As people know it. */
  readonly service: string
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly authorization?: Secret
  /** Statuses besides 200 that show that the key was taken. */
  readonly alsoTaken?: readonly number[]
  /** Whom the service names in its answer. */
  readonly account?: (answer: Readonly<Record<string, unknown>>) => unknown
  /** For a 404, where that says something else than that the address is wrong. */
  readonly missing?: string
}

/**
 * Asks each service with one harmless request whether it takes a key: Anthropic "List models", OpenRouter "Get current
 * API key", GitHub "Get the authenticated user", npm `whoami`, the Python index a page, Fly "Get app". All addresses
 * are the installation's.
 */
export function createServiceKeys({ config, userAgent, registries }: ServiceKeysOptions): ServiceKeys {
  const trusted = [
    config.anthropicBaseUrl,
    config.openRouterBaseUrl,
    config.githubApiUrl,
    config.flyApiUrl,
  ].map((url) => new URL(url).origin)
  const questionOf = questions(config, registries)

  return {
    async check(names, values, signal) {
      const accounts = new Map<WorkspaceSetting, string | null>()
      for (const name of names) {
        const question = await questionOf[name](values)
        using http = createHttpClient({
          // Of the operator as well: a registry may be inside.
          trustedOrigins: [...trusted, new URL(question.url).origin],
          userAgent,
        })
        accounts.set(name, await answerTo(http, name, question, signal))
      }
      return accounts
    },
  }
}

function questions(
  config: Config,
  registries: ServiceKeysOptions['registries'],
): Readonly<Record<WorkspaceSetting, (values: WorkspaceValues) => Promise<Question>>> {
  const fly = async (values: WorkspaceValues): Promise<Question> => {
    const app = values.get('FLY_APP')?.reveal()
    const token = values.get('FLY_API_TOKEN')
    if (app === undefined || token === undefined) {
      throw new CatwalkError('service_key_refused', 'Fly needs both FLY_API_TOKEN and FLY_APP.', {
        help: 'Give both at once. An app is made with: fly apps create NAME; a token with: fly tokens create deploy --app NAME',
        details: { field: app === undefined ? 'FLY_APP' : 'FLY_API_TOKEN' },
      })
    }
    return {
      service: 'Fly',
      url: `${config.flyApiUrl}/v1/apps/${encodeURIComponent(app)}`,
      authorization: bearer(token),
      account: (answer) => answer['name'],
      missing: 'Fly knows no app of this name that the token may use.',
    }
  }
  return {
    ANTHROPIC_API_KEY: async (values) => ({
      service: 'Anthropic',
      url: `${config.anthropicBaseUrl}/v1/models?limit=1`,
      // As Anthropic's own client has it.
      headers: { 'anthropic-version': '2026-10-21' },
      authorization: bearer(values.get('ANTHROPIC_API_KEY')),
    }),
    OPENROUTER_API_KEY: async (values) => ({
      service: 'OpenRouter',
      url: `${config.openRouterBaseUrl}/key`,
      authorization: bearer(values.get('OPENROUTER_API_KEY')),
      account: (answer) => fields(answer['data'])['label'],
    }),
    GITHUB_TOKEN: async (values) => ({
      service: 'GitHub',
      url: `${config.githubApiUrl}/user`,
      headers: { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' },
      authorization: bearer(values.get('GITHUB_TOKEN')),
      account: (answer) => answer['login'],
    }),
    NPM_TOKEN: async (values) => ({
      service: 'The npm registry',
      url: new URL('-/whoami', withSlash((await registries.npmConfiguration('')).registry)).href,
      authorization: bearer(values.get('NPM_TOKEN')),
      account: (answer) => answer['username'],
    }),
    PYPI_TOKEN: async (values) => {
      const index = new URL('pip/', withSlash((await registries.pythonIndex('')).url))
      index.username = ''
      index.password = ''
      const pair = Buffer.from(`__token__:${values.get('PYPI_TOKEN')?.reveal() ?? ''}`).toString('base64')
      return {
        service: 'The Python index',
        url: index.href,
        authorization: new Secret(`Basic ${pair}`),
        // It need not have this package.
        alsoTaken: [404],
      }
    },
    FLY_API_TOKEN: fly,
    FLY_APP: fly,
  }
}

async function answerTo(
  http: HttpClient,
  name: WorkspaceSetting,
  question: Question,
  signal: AbortSignal,
): Promise<string | null> {
  const { service } = question
  const response = await ask(http, question, signal)
  const { status } = response
  if (status !== 200) {
    response.body.destroy()
    if (question.alsoTaken?.includes(status) === true) return null
    if (status === 401 || status === 403) throw refused(name, `${service} does not take the key in ${name}.`)
    if (status === 404 && question.missing !== undefined) throw refused(name, question.missing)
    throw unreachable(name, `${service} answers with status ${status} when it is asked about ${name}.`)
  }
  if (question.account === undefined) {
    response.body.destroy()
    return null
  }
  const answer = await readJson(response, MAX_ANSWER_BYTES).catch((error: unknown) => {
    signal.throwIfAborted()
    throw unreachable(name, `The answer of ${service} is not what it should be.`, error)
  })
  const account = question.account(fields(answer))
  return typeof account === 'string' ? account.slice(0, 100) : null
}

async function ask(http: HttpClient, question: Question, signal: AbortSignal): Promise<HttpResponse> {
  const { service, url, headers = {}, authorization = null } = question
  try {
    return await http.request(new URL(url), { headers, authorization, timeoutMs: TIMEOUT_MS, signal })
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof HttpFailure)) throw error
    throw new CatwalkError('service_unreachable', `${service} does not answer. ${error.message}`, {
      cause: error,
    })
  }
}

function refused(field: WorkspaceSetting, message: string): CatwalkError {
  return new CatwalkError('service_key_refused', message, { details: { field } })
}

function unreachable(field: WorkspaceSetting, message: string, cause?: unknown): CatwalkError {
  return new CatwalkError('service_unreachable', message, { details: { field }, cause })
}

function bearer(token: Secret | undefined): Secret {
  return new Secret(`Bearer ${token?.reveal() ?? ''}`)
}

function withSlash(url: string): string {
  return url.endsWith('/') ? url : `${url}/`
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
}
