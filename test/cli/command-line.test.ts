import { expect, test } from 'vitest'
import { startFakeApi } from '../fakes/api.ts'
import { aDeployment, aFailedDeployment, aLogLine, aTool } from '../fakes/api-data.ts'
import { run } from './run.ts'

test('no command, help and --version succeed', async () => {
  expect((await run(null, [])).stdout).toContain('Usage: catwalk')
  expect((await run(null, ['help', 'deploy'])).stdout).toContain('--env-file')
  expect(await run(null, ['--version'])).toEqual({ code: 0, stdout: '0.0.0\n', stderr: '' })
})

test.each([[['bogus']], [['deploy']], [['ls', '--bogus']], [['token']], [['ls', 'too', 'many']]])(
  '%j is a wrong use: exit code 2, nothing on standard output',
  async (words) => {
    const { code, stdout, stderr } = await run(null, words)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).not.toBe('')
  },
)

test('a wrong use with --json is one JSON document and silence on standard error', async () => {
  const { code, stdout, stderr } = await run(null, ['deploy', '--json'])
  expect({ code, stderr }).toEqual({ code: 2, stderr: '' })
  expect(JSON.parse(stdout)).toMatchObject({
    error: 'invalid_request',
    message: "missing required argument 'source'",
  })
})

test('serve passes its flags on in the words of the configuration', async () => {
  const given: unknown[] = []
  const { code } = await run(null, ['serve', '--data-dir', '/x', '--allow-unsandboxed'], {
    programs: {
      serveFlags: () =>
        Promise.resolve([
          { flags: '--data-dir <value>', description: '' },
          { flags: '--allow-unsandboxed', description: '' },
          { flags: '--port <value>', description: '' },
        ]),
      serve: (flags) => Promise.resolve(void given.push(flags)),
    },
  })
  expect(code).toBe(0)
  expect(given).toEqual([{ dataDir: '/x', allowUnsandboxed: true }])
})

test('bridge passes the command on word by word, its own flags and --json included', async () => {
  const given: unknown[] = []
  const programs = { bridge: (command: unknown) => Promise.resolve(void given.push(command)) }
  await run(null, ['bridge', '--port', '0', '--', 'node', 'server.js', '--port', '9', '--json'], { programs })
  await run(null, ['bridge', '--port', '80', '--host', '::1', 'node', '--flag'], { programs })
  expect(given).toEqual([
    { port: 0, host: '127.0.0.1', command: ['node', 'server.js', '--port', '9', '--json'] },
    { port: 80, host: '::1', command: ['node', '--flag'] },
  ])
  expect((await run(null, ['bridge', '--', 'node'], { programs })).code).toBe(2)
  expect((await run(null, ['bridge', '--port', '0'], { programs })).code).toBe(2)
})

const HOSTILE = '\u001B]0;title\u0007\u001B[2J\u009B31mred\u202Eder\r\nnext\u0000'

test('escape, control and direction characters from servers never reach the output', async () => {
  const lastLine = aFailedDeployment(HOSTILE)
  await using api = await startFakeApi({
    handlers: {
      getDeployment: () => lastLine,
      listDeployments: () => ({ items: [aDeployment({ name: HOSTILE, source: HOSTILE })] }),
      listLogs: () => ({ items: [aLogLine(1, HOSTILE)], before: null }),
      callTool: () => ({
        content: [
          { type: 'text', text: HOSTILE },
          { type: HOSTILE, more: HOSTILE },
        ],
      }),
      listTools: () => ({
        pinning: 'changed',
        items: [
          aTool(HOSTILE, {
            description: HOSTILE,
            change: {
              kind: 'changed',
              hash: 'a'.repeat(64),
              isBlocked: true,
              isKept: false,
              seenAt: '2026-01-31T12:00:00.000Z',
              members: ['description', 'inputSchema'],
              from: { name: HOSTILE },
              to: { name: HOSTILE, description: HOSTILE, inputSchema: { title: HOSTILE } },
            },
          }),
        ],
      }),
      getCatalogue: () => ({
        protocolVersion: 'x',
        serverInfo: {},
        instructions: null,
        tools: [{ name: HOSTILE, description: HOSTILE, inputSchema: { title: HOSTILE } }],
        resources: [],
        resourceTemplates: [],
        prompts: [],
      }),
    },
  })
  for (const words of [
    ['ls'],
    ['show', 'x'],
    ['logs', 'x'],
    ['call', 'x', 'y'],
    ['tools', 'x'],
    ['tools', 'x', HOSTILE],
    ['tools', 'review', 'x'],
  ]) {
    for (const json of [false, true]) {
      const { code, stdout, stderr } = await run(api, json ? [...words, '--json'] : words)
      expect(code).toBe(0)
      expect((stdout + stderr).replaceAll(/[\n\t]/g, '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    }
  }
  // With --json nothing is lost, only escaped.
  const { stdout } = await run(api, ['logs', 'x', '--json'])
  expect(JSON.parse(stdout)).toMatchObject([{ line: HOSTILE }])
})

test('a terminal gets colours, a pipe does not', async () => {
  await using api = await startFakeApi({ handlers: { getDeployment: () => aDeployment() } })
  const terminal = await run(api, ['show', 'echo'], { terminal: true })
  expect(terminal.stdout).toContain('\u001B[')
  expect((await run(api, ['show', 'echo'])).stdout).not.toContain('\u001B[')
})
