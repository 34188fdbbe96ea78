import { ErrorBody } from './schemas.ts'
import { routes, type Route, type RouteInput, type RouteName, type RouteOutput } from './routes.ts'

/** The API answered with an error of the catalogue. */
export class ApiError extends Error {
  readonly status: number
  readonly body: ReturnType<typeof ErrorBody.parse>

  constructor(status: number, body: ReturnType<typeof ErrorBody.parse>) {
    super(body.message)
    this.name = 'ApiError'
    this.status = status
    this.body = body
  }
}

export interface ApiClientOptions {
  /** Origin of the server, e.g. `http://localhost:7420`; empty for the page's own. */
  readonly origin: string
  /** An API key; a browser sends its session cookie instead. */
  readonly apiKey?: string
  /** Id of the workspace to work in; asked at each request. */
  readonly workspace?: () => string | undefined
  readonly fetch?: typeof fetch
}

interface LooseInput {
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  readonly body?: unknown
}

export interface ApiClient {
  /**
   * Calls a route and resolves with its parsed answer.
   * @throws ApiError for an error of the catalogue; TypeError when the server cannot be reached
   */
  call<N extends RouteName>(name: N, input: RouteInput<N>, signal?: AbortSignal): Promise<RouteOutput<N>>
  /** The address of a route, for `EventSource` or a streaming fetch. */
  url<N extends RouteName>(name: N, input: RouteInput<N>): string
  /** Headers that sign a request in. */
  readonly headers: Readonly<Record<string, string>>
}

/** The typed client of the REST API, used by the CLI and the dashboard alike. */
export function createApiClient(options: ApiClientOptions): ApiClient {
  const headers: Record<string, string> =
    options.apiKey === undefined ? {} : { authorization: `Bearer ${options.apiKey}` }
  const send = options.fetch ?? fetch

  function urlOf(route: Route, input: LooseInput): string {
    const path = route.path.replace(/\{(\w+)\}/g, (_, name: string) =>
      encodeURIComponent(input.params?.[name] ?? ''),
    )
    const query = new URLSearchParams()
    for (const [name, value] of Object.entries(input.query ?? {})) {
      if (value !== undefined) query.set(name, String(value))
    }
    const workspace = options.workspace?.()
    // A browser cannot send headers with an EventSource.
    if (route.stream === true && workspace !== undefined) query.set('workspace', workspace)
    return `${options.origin}/api/v1${path}${query.size === 0 ? '' : `?${query.toString()}`}`
  }

  return {
    headers,
    url: (name, input) => urlOf(routes[name], input as LooseInput),
    async call<N extends RouteName>(name: N, input: RouteInput<N>, signal?: AbortSignal) {
      const route: Route = routes[name]
      // RouteInput is exact per route; here every route is served by the same code.
      const loose = input as LooseInput
      const workspace = options.workspace?.()
      const response = await send(urlOf(route, loose), {
        method: route.method.toUpperCase(),
        headers: {
          accept: 'application/json',
          ...(route.body ? { 'content-type': 'application/json' } : {}),
          ...headers,
          ...(workspace === undefined ? {} : { 'x-catwalk-workspace': workspace }),
        },
        ...(route.body ? { body: JSON.stringify(loose.body ?? {}) } : {}),
        ...(signal ? { signal } : {}),
      })
      if (!response.ok) throw await readApiError(response)
      // The schema belongs to this very route, so its output is RouteOutput<N>.
      return route.response.parse(response.status === 204 ? null : await response.json()) as RouteOutput<N>
    },
  }
}

/** What a response that is not `ok` says; for those who fetch a stream themselves. */
export async function readApiError(response: Response): Promise<ApiError> {
  return new ApiError(response.status, await errorBody(response))
}

async function errorBody(response: Response): Promise<ReturnType<typeof ErrorBody.parse>> {
  const parsed = ErrorBody.safeParse(await response.json().catch(() => null))
  if (parsed.success) return parsed.data
  return {
    error: 'internal',
    message: `The server answered with status ${response.status} and no explanation.`,
    help: 'Check that the address is that of a Catwalk server.',
    docs: '/docs/troubleshooting#internal',
  }
}
