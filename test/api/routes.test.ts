import { describe, expect, test } from 'vitest'
import { routes, type Route, type RouteName } from '../../src/contract/index.ts'
import type { Handlers } from '../../src/api/index.ts'
import { atLeast, CatwalkError, type Role } from '../../src/domain/index.ts'
import { apiOptions, ask, handlersWith, pathOf, recordingLogger, signedInAs } from './support.ts'

const names = Object.keys(routes) as RouteName[]
const isPrivate = (name: RouteName) => (routes[name] as Route).access !== 'public'
const ROLES: Role[] = ['viewer', 'member', 'admin', 'owner']

function requestFor(name: RouteName): RequestInit {
  const route: Route = routes[name]
  return {
    method: route.method.toUpperCase(),
    ...(route.body ? { headers: { 'content-type': 'application/json' }, body: '{}' } : {}),
  }
}

describe.each(names.filter(isPrivate))('%s', (name) => {
  const { access } = routes[name] as { access: Role }

  test('answers 401 to a caller without credentials', async () => {
    const answer = await ask(apiOptions(), pathOf(name), requestFor(name))
    expect(answer.status).toBe(401)
    expect(answer.body['error']).toBe('unauthenticated')
  })

  test.each(ROLES.filter((role) => !atLeast(role, access)))('refuses a %s', async (role) => {
    const answer = await ask(apiOptions({ signedIn: signedInAs(role) }), pathOf(name), requestFor(name))
    expect(answer.status).toBe(403)
    expect(answer.body['error']).toBe('forbidden')
  })

  test.each(ROLES.filter((role) => atLeast(role, access)))('lets a %s in', async (role) => {
    const answer = await ask(apiOptions({ signedIn: signedInAs(role) }), pathOf(name), requestFor(name))
    // Past the door: the input is wrong, or the handler, which rejects in this test, was reached.
    expect([400, 500]).toContain(answer.status)
  })

  test('answers 405 to a method that it does not have', async () => {
    const answer = await ask(apiOptions({ signedIn: signedInAs('owner') }), pathOf(name), { method: 'PATCH' })
    expect(answer.status).toBe(405)
    expect(answer.body['error']).toBe('method_not_allowed')
    const methods = Object.values<Route>(routes)
      .filter((route) => route.path === routes[name].path)
      .flatMap(({ method }) => (method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]))
    expect(answer.headers.get('allow')?.split(', ').toSorted()).toEqual(methods.toSorted())
  })
})

test('an address that does not exist is a 404 of the catalogue, whatever the method, and never the dashboard', async () => {
  for (const path of ['/api', '/api/', '/api/v1/nothing', '/api/v2/me', '/mcp/x', '/.well-known/x']) {
    const answer = await ask(apiOptions(), path)
    expect({ path, status: answer.status }).toEqual({ path, status: 404 })
    expect(answer.body['error']).toBe('not_found')
    expect({ path, status: (await ask(apiOptions(), path, { method: 'POST' })).status }).toEqual({
      path,
      status: 404,
    })
  }
})

function asking(handlers: Partial<Handlers>) {
  const logger = recordingLogger()
  return {
    logger,
    options: apiOptions({ signedIn: signedInAs('owner'), handlers: handlersWith(handlers), logger }),
  }
}

function post(body: string, headers: Record<string, string> = {}): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body }
}

describe('input', () => {
  const { options } = asking({})

  test.each([
    ['a wrong type', '{"source":1}', 'source', "Field 'source' is not valid: it must be a string."],
    ['an empty value', '{"source":""}', 'source', "Field 'source' is not valid: at least 1 characters."],
    ['an unknown field', '{"source":"x","sorce":1}', '', 'The body is not valid: unknown field sorce.'],
    [
      'a slug that cannot be',
      '{"source":"x","slug":"A B"}',
      'slug',
      "Field 'slug' is not valid: Lower-case letters, digits and hyphens; 48 at most.",
    ],
    [
      'a nested value',
      '{"source":"x","variables":{"KEY":5}}',
      'variables.KEY',
      "Field 'variables.KEY' is not valid: it must be a string.",
    ],
  ])('%s is named in plain words', async (_, body, field, message) => {
    const answer = await ask(options, '/api/v1/deployments', post(body))
    expect(answer.status).toBe(400)
    expect(answer.body).toMatchObject({ error: 'invalid_request', message, details: { field } })
  })

  test('a missing field is named in plain words', async () => {
    const answer = await ask(options, '/api/v1/analyses', post('{}'))
    expect(answer.status).toBe(400)
    expect(answer.body).toMatchObject({
      message: "Field 'source' is not valid: it is missing.",
      details: { field: 'source' },
    })
  })

  test('a value that is refused does not come back in the answer', async () => {
    const answer = await ask(
      options,
      '/api/v1/deployments',
      post('{"source":"x","variables":"hunter2","network":"hunter2"}'),
    )
    expect(answer.status).toBe(400)
    expect(answer.text).not.toContain('hunter2')
  })

  test.each([
    ['not JSON', '{"source":'],
    ['a NUL', '{"source":"a\\u0000b"}'],
    ['a NUL in a name', '{"source":"a","variables":{"A\\u0000":"b"}}'],
    ['half a character', '{"source":"\\ud800"}'],
  ])('%s is refused', async (_, body) => {
    const answer = await ask(options, '/api/v1/analyses', post(body))
    expect(answer.body['error']).toBe('invalid_request')
  })

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', ''])(
    'a body said to be "%s" is refused',
    async (type) => {
      const answer = await ask(options, '/api/v1/analyses', post('{"source":"x"}', { 'content-type': type }))
      expect(answer.body['error']).toBe('invalid_request')
    },
  )

  test('a body over 4 MiB is refused, whether it says its size or not', async () => {
    const large = JSON.stringify({ source: 'x'.repeat(4 * 1024 * 1024) })
    const stream = new Blob([large]).stream()
    const chunked = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: stream,
      duplex: 'half',
    }
    for (const init of [post(large), post('{}', { 'content-length': '5000000' }), chunked as RequestInit]) {
      const answer = await ask(options, '/api/v1/analyses', init)
      expect(answer.status).toBe(413)
      expect(answer.body['error']).toBe('payload_too_large')
    }
  })

  test('somebody unknown may send 16 KiB at most', async () => {
    const answer = await ask(
      apiOptions(),
      '/api/v1/setup',
      post(JSON.stringify({ token: 'x'.repeat(20_000) })),
    )
    expect(answer.status).toBe(413)
  })

  test.each(['%00', 'a%2Fb', '..%2f..%2fetc', 'a'.repeat(200), '%ff', "x'--"])(
    'an id like %s is refused before it reaches a handler',
    async (id) => {
      const answer = await ask(options, `/api/v1/deployments/${id}`)
      expect([400, 404]).toContain(answer.status)
    },
  )

  test('a query is parsed and its defaults are filled in', async () => {
    const seen: unknown[] = []
    const { options: listening } = asking({
      listEvents: (_, input) => {
        seen.push(input)
        return Promise.resolve({ items: [] })
      },
    })
    await ask(listening, '/api/v1/deployments/x/events?after=5')
    await ask(listening, '/api/v1/deployments/x/events?limit=7&other=1')
    expect(seen).toEqual([
      { params: { id: 'x' }, query: { after: '5', limit: 200 } },
      { params: { id: 'x' }, query: { limit: 7 } },
    ])
    const wrong = await ask(listening, '/api/v1/deployments/x/events?limit=0')
    expect(wrong.body).toMatchObject({ error: 'invalid_request', details: { field: 'limit' } })
  })
})

describe('answers', () => {
  test('nothing that the contract does not name leaves', async () => {
    const me = {
      user: null,
      apiKey: null,
      workspace: { id: 'ws_1', name: 'W', hash: 'internal' },
      role: 'owner',
      isInstallationAdmin: false,
      extra: 1,
    } as const
    const { options } = asking({ getMe: () => Promise.resolve(me) })
    const answer = await ask(options, '/api/v1/me')
    const { extra: _, workspace, ...named } = me
    expect(answer.body).toEqual({ ...named, workspace: { id: workspace.id, name: workspace.name } })
  })

  test('answers of the API are never cached', async () => {
    const { options } = asking({})
    const answers = await Promise.all([
      ask(apiOptions(), '/api/v1/me'),
      ask(options, '/api/v1/me'),
      ask(options, '/api/v1/deployments/x/tokens/y', { method: 'DELETE' }),
    ])
    for (const answer of answers) expect(answer.headers.get('cache-control')).toBe('no-store')
  })

  test('a cookie of a prolonged session goes out with the answer', async () => {
    const signedIn = { ...signedInAs('owner', 'cookie'), cookies: ['a=1; HttpOnly', 'b=2'] }
    const me = {
      user: null,
      apiKey: null,
      workspace: { id: 'ws_1', name: 'W' },
      role: 'owner',
      isInstallationAdmin: true,
    } as const
    const options = apiOptions({ signedIn, handlers: handlersWith({ getMe: () => Promise.resolve(me) }) })
    const answer = await ask(options, '/api/v1/me')
    expect(answer.headers.getSetCookie()).toEqual(['a=1; HttpOnly', 'b=2'])
  })
})

describe('errors', () => {
  test('an error of the catalogue keeps its words and loses its cause', async () => {
    const { options } = asking({
      getMe: () =>
        Promise.reject(
          new CatwalkError('package_index_unavailable', 'The index is away.', {
            cause: new Error('secret-host'),
          }),
        ),
    })
    const answer = await ask(options, '/api/v1/me')
    expect(answer.status).toBe(502)
    expect(answer.body).toMatchObject({
      error: 'package_index_unavailable',
      message: 'The index is away.',
      docs: '/docs/troubleshooting#package-index-unavailable',
      requestId: answer.headers.get('x-request-id'),
    })
    expect(answer.text).not.toContain('secret-host')
  })

  test.each([
    ['an Error', new Error('password=hunter2')],
    ['an Error with a status', Object.assign(new Error('password=hunter2'), { status: 200 })],
    ['a string', 'password=hunter2'],
    ['nothing', undefined],
  ])('%s thrown by a handler is internal, and its cause is in the log only', async (_, thrown) => {
    const { options, logger } = asking({
      // What other people's code throws is not always an Error.
      getMe: async () => {
        await Promise.resolve()
        // eslint-disable-next-line typescript/only-throw-error -- that is what is tested
        throw thrown
      },
    })
    const answer = await ask(options, '/api/v1/me')
    expect(answer.status).toBe(500)
    expect(answer.body['error']).toBe('internal')
    expect(answer.text).not.toContain('hunter2')
    const [entry] = logger.entries
    expect(entry).toMatchObject({ level: 'error', fields: { requestId: answer.body['requestId'] } })
    const err: unknown = entry !== undefined && 'err' in entry.fields ? entry.fields.err : undefined
    expect(thrown instanceof Error || !(err instanceof Error) ? err : err.cause).toBe(thrown)
  })

  test('an answer that does not fit the contract is internal, not sent', async () => {
    // A handler written against another version of the contract.
    const { options } = asking({ getMe: () => Promise.resolve({ role: 'king' } as never) })
    const answer = await ask(options, '/api/v1/me')
    expect(answer.status).toBe(500)
    expect(answer.text).not.toContain('king')
  })

  test('every error carries the request id of its header; a sane incoming one is kept', async () => {
    const kept = await ask(apiOptions(), '/api/v1/me', { headers: { 'x-request-id': 'trace-1234.abc' } })
    expect(kept.headers.get('x-request-id')).toBe('trace-1234.abc')
    expect(kept.body['requestId']).toBe('trace-1234.abc')
    for (const id of ['short', 'a'.repeat(65), 'has space 123', '<script>alert(1)']) {
      const made = await ask(apiOptions(), '/api/v1/me', { headers: { 'x-request-id': id } })
      expect(made.headers.get('x-request-id')).toMatch(/^req_/)
    }
  })
})
