import { Validator } from '@seriousme/openapi-schema-validator'
import { expect, test } from 'vitest'
import { openApiDocument } from '../../src/api/index.ts'
import { routes, schemas, type Route } from '../../src/contract/index.ts'
import { ERROR_CODES } from '../../src/domain/index.ts'
import { apiOptions, ask } from './support.ts'

const document = openApiDocument({ version: '1.2.3', publicUrl: new URL('https://cat.example.com') })
// Looked into as the plain JSON that it is.
const json = JSON.parse(JSON.stringify(document)) as {
  paths: Record<string, Record<string, { operationId: string; responses: object; security?: object[] }>>
  components: { schemas: Record<string, object>; responses: { Error: { description: string } } }
}

test('the document is valid OpenAPI 3.1', async () => {
  const result = await new Validator().validate(structuredClone(document))
  expect(result).toMatchObject({ valid: true })
})

test('every route is in it with its success and its errors', () => {
  for (const [name, route] of Object.entries<Route>(routes)) {
    const operation = json.paths[route.path]?.[route.method]
    expect(operation?.operationId).toBe(name)
    expect(Object.keys(operation?.responses ?? {})).toEqual([String(route.status), 'default'])
    expect(operation?.security).toEqual(route.access === 'public' ? [] : undefined)
  }
})

test('every named schema of the contract is a component, and every reference leads to one', () => {
  const references = JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)
  for (const [, id] of references) expect(json.components.schemas).toHaveProperty(id ?? '')
  const text = JSON.stringify(document)
  expect(text).not.toContain('$defs')
  expect(json.components.schemas).toHaveProperty('Deployment')
  expect(json.components.schemas).toHaveProperty('Error')
  expect(schemas.Deployment.meta()?.id).toBe('Deployment')
})

test('defaults are optional for the caller and promised in answers', () => {
  expect(json.components.schemas['CreateAnalysis']).toMatchObject({ required: ['source'] })
})

test('every error code is named', () => {
  for (const code of ERROR_CODES) expect(json.components.responses.Error.description).toContain(`\`${code}\``)
})

test('anybody may read it', async () => {
  const answer = await ask(apiOptions(), '/api/openapi.json')
  expect(answer.status).toBe(200)
  expect(answer.body).toMatchObject({ openapi: '3.1.1', info: { version: '1.2.3' } })
})
