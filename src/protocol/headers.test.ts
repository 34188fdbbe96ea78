import { expect, test } from 'vitest'
import { acceptsAnswers, acceptsEvents, isJsonType } from './headers.ts'
import { isLoopbackHost, loopbackPolicy, originProblem } from './origin.ts'
import { negotiate } from './versions.ts'

test.for([
  ['application/json, text/event-stream', true],
  ['text/event-stream;q=0.9,Application/JSON', true],
  ['*/*', true],
  ['application/*, text/*', true],
  ['application/json', false],
  ['text/event-stream', false],
  ['text/html', false],
  [undefined, false],
] as const)('Accept %s for a POST: %s', ([accept, ok]) => {
  expect(acceptsAnswers(accept)).toBe(ok)
})

test('a GET needs an event stream only', () => {
  expect(acceptsEvents('text/event-stream')).toBe(true)
  expect(acceptsEvents('*/*')).toBe(true)
  expect(acceptsEvents('application/json')).toBe(false)
})

test.for([
  ['application/json', true],
  ['application/json; charset=utf-8', true],
  ['Application/JSON', true],
  ['text/json', false],
  ['application/jsonx', false],
  [undefined, false],
] as const)('Content-Type %s is JSON: %s', ([type, ok]) => {
  expect(isJsonType(type)).toBe(ok)
})

test.for([
  ['localhost:3000', undefined, null],
  ['LOCALHOST', undefined, null],
  ['127.0.0.1:80', 'http://localhost:5173', null],
  ['[::1]:80', 'https://127.0.0.1', null],
  ['evil.example', undefined, 'host'],
  ['localhost.evil.example:3000', undefined, 'host'],
  [undefined, undefined, 'host'],
  ['localhost', 'https://evil.example', 'origin'],
  ['localhost', 'http://localhost.evil.example', 'origin'],
  ['localhost', 'http://localhost@evil.example', 'origin'],
  ['localhost', 'null', 'origin'],
  ['localhost', 'https://app.example', null],
  ['localhost', 'https://app.example.evil', 'origin'],
] as const)('on loopback, Host %s with Origin %s: %s', ([host, origin, problem]) => {
  expect(originProblem(loopbackPolicy(['https://app.example']), host, origin)).toBe(problem)
})

test.for([
  ['127.0.0.1', true],
  ['127.8.8.8', true],
  ['::1', true],
  ['localhost', true],
  ['0.0.0.0', false],
  ['::', false],
  ['127.0.0.1.evil.example', false],
] as const)('%s is reachable from this machine only: %s', ([host, loopback]) => {
  expect(isLoopbackHost(host)).toBe(loopback)
})

test.for([
  ['2025-06-18', '2025-11-25', '2025-06-18'],
  ['2025-11-25', '2025-06-18', '2025-06-18'],
  ['2026-07-28', '2025-11-25', '2025-11-25'],
  ['1999-01-01', '2025-11-25', '2025-11-25'],
] as const)('a client of %s and a server of %s speak %s', ([asked, spoken, result]) => {
  expect(negotiate(asked, spoken)).toBe(result)
})
