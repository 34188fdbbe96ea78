import { expect, test } from 'vitest'
import { clientAcross, serverAcross, serverAt } from './capabilities.ts'

const TASKS = 'io.modelcontextprotocol/tasks'
const UI = 'io.modelcontextprotocol/ui'

test('a client of the other era declares what reaches it there, and keeps all else', () => {
  const declared = {
    sampling: { tools: {} },
    elicitation: { form: {}, url: {} },
    roots: { listChanged: true },
    tasks: { list: {} },
    extensions: { [TASKS]: {}, [UI]: { mimeTypes: ['text/html'] } },
    experimental: { own: {} },
  }
  expect(clientAcross(declared)).toEqual({
    sampling: { tools: {} },
    elicitation: { form: {}, url: {} },
    roots: {},
    extensions: { [UI]: { mimeTypes: ['text/html'] } },
    experimental: { own: {} },
  })
  expect(clientAcross({ extensions: { [TASKS]: {} } })).toEqual({})
})

test('a server of the other era offers no tasks, and keeps all else', () => {
  const offered = { tools: { listChanged: true }, tasks: {}, extensions: { [TASKS]: {}, [UI]: {} } }
  expect(serverAcross(offered)).toEqual({ tools: { listChanged: true }, extensions: { [UI]: {} } })
})

test('tasks are offered to clients of the revision that has them', () => {
  const offered = { tools: {}, tasks: { list: {} } }
  expect(serverAt('2025-11-25', offered)).toEqual(offered)
  for (const version of ['2025-06-18', '2025-03-26', '2024-11-05'] as const)
    expect(serverAt(version, offered)).toEqual({ tools: {} })
})
