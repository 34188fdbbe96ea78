import { z } from 'zod'
import { routes, schemas, type Route } from '../contract/index.ts'
import { describeError, ERROR_CODES } from '../domain/index.ts'

type JsonObject = Record<string, unknown>

export interface OpenApiInfo {
  readonly version: string
  readonly publicUrl: URL
}

/** The OpenAPI 3.1 document of the REST API, made from the contract. */
export function openApiDocument({ version, publicUrl }: OpenApiInfo): JsonObject {
  const components: JsonObject = {}
  const paths: Record<string, JsonObject> = {}
  for (const [name, route] of Object.entries<Route>(routes)) {
    const path = (paths[route.path] ??= {})
    path[route.method] = operation(name, route, components)
  }
  const errorSchema = jsonSchema(schemas.ErrorBody, 'output', components)
  return {
    openapi: '3.1.1',
    info: {
      title: 'Catwalk',
      version,
      description:
        'Deploys MCP servers and looks after them. Every error has the same form; its `error` is a stable code.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: new URL('/api/v1', publicUrl).href }],
    security: [{ apiKey: [] }, { session: [] }],
    paths,
    components: {
      schemas: components,
      responses: { Error: errorResponse(errorSchema) },
      securitySchemes: {
        apiKey: { type: 'http', scheme: 'bearer', description: 'An API key, `cwk_…`' },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: `${publicUrl.protocol === 'https:' ? '__Host-' : ''}catwalk.session_token`,
          description:
            'The cookie of the dashboard. Requests that change something must come from its origin',
        },
      },
    },
  }
}

function operation(name: string, route: Route, components: JsonObject): JsonObject {
  const parameters = [...pathParameters(route.path), ...queryParameters(route, components)]
  return {
    operationId: name,
    summary: route.summary,
    ...(route.access === 'public' ? { security: [] } : { description: needs(route) }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body
      ? { requestBody: { required: true, content: json(jsonSchema(route.body, 'input', components)) } }
      : {}),
    responses: {
      [route.status]: success(route, components),
      default: { $ref: '#/components/responses/Error' },
    },
  }
}

function pathParameters(path: string): JsonObject[] {
  return Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
}

function queryParameters(route: Route, components: JsonObject): JsonObject[] {
  return Object.entries(route.query?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: 'query',
    required: false,
    // A shape holds any core schema; those of the contract are all classic ones.
    schema: jsonSchema(schema as z.ZodType, 'input', components),
  }))
}

function success(route: Route, components: JsonObject): JsonObject {
  if (route.status === 204) return { description: 'Done' }
  const schema = jsonSchema(route.response, 'output', components)
  if (!route.stream) return { description: 'Done', content: json(schema) }
  return {
    description:
      'Server-sent events. Each has one of the properties as its event name and that value as its data.',
    content: { 'text/event-stream': { schema } },
  }
}

function errorResponse(schema: JsonObject): JsonObject {
  const codes = ERROR_CODES.map(
    (code) => `- \`${code}\` (${describeError(code).status}): ${describeError(code).title}`,
  )
  return { description: `An error of the catalogue:\n\n${codes.join('\n')}`, content: json(schema) }
}

function json(schema: JsonObject): JsonObject {
  return { 'application/json': { schema } }
}

/** A JSON Schema whose named parts are moved to `components` and referred to there. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output', components: JsonObject): JsonObject {
  // Inside an object a named schema becomes a reference too, not only its parts.
  const wrapped = z.toJSONSchema(z.object({ it: schema }), { io, unrepresentable: 'any' })
  const rewritten = rewriteReferences(wrapped)
  for (const [id, definition] of Object.entries(asObject(rewritten['$defs']))) components[id] ??= definition
  return asObject(asObject(rewritten['properties'])['it'])
}

function rewriteReferences(schema: object): JsonObject {
  return JSON.parse(JSON.stringify(schema), (key, value: unknown) => {
    if (key === '$ref' && typeof value === 'string') return value.replace('#/$defs/', '#/components/schemas/')
    return value
  }) as JsonObject
}

function asObject(value: unknown): JsonObject {
  // Only ever applied to parts that JSON Schema defines as objects.
  return (value ?? {}) as JsonObject
}

function needs({ access, scope }: Exclude<Route, { access: 'public' }>): string {
  const role = `Needs the role ${access}.`
  if (scope === 'any') return role
  return `${role} ${scope === 'full' ? 'Closed to API keys with scopes.' : `API keys with scopes need \`${scope}\`.`}`
}
