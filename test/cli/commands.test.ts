import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { RouteOutput } from '../../src/contract/index.ts'
import { CatwalkError } from '../../src/domain/index.ts'
import { startFakeApi } from '../fakes/api.ts'
import { aDeployment, aFailedDeployment, aLogLine, anEvent, aToken, aTool, at } from '../fakes/api-data.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { run } from './run.ts'

const catalogue = {
  protocolVersion: '2025-06-18',
  serverInfo: { name: 'echo' },
  instructions: null,
  tools: [
    { name: 'echo', description: 'Says it again.\nMore.', inputSchema: { type: 'object' } },
    { name: 'add' },
  ],
  resources: [],
  resourceTemplates: [],
  prompts: [],
}

test('ls prints tab-separated rows in a pipe, a table on a terminal and an array with --json', async () => {
  await using api = await startFakeApi({ handlers: { listDeployments: () => ({ items: [aDeployment()] }) } })
  const piped = await run(api, ['ls'])
  expect(piped.stdout.split('\t')).toEqual([
    'echo',
    'running',
    '2',
    expect.any(String),
    'npm:echo-mcp@1.2.3',
    'http://localhost:7420/mcp/echo\n',
  ])
  const terminal = await run(api, ['ls'], { terminal: true })
  expect(terminal.stdout).toContain('SLUG')
  const machine = await run(api, ['ls', '--json'])
  expect(JSON.parse(machine.stdout)).toMatchObject([{ slug: 'echo' }])
})

test('ls of nothing prints nothing on standard output and says how to begin', async () => {
  await using api = await startFakeApi({ handlers: { listDeployments: () => ({ items: [] }) } })
  const { code, stdout, stderr } = await run(api, ['ls'])
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
  expect(stderr).toContain('bin/catwalk deploy')
  expect((await run(api, ['ls', '--json'])).stdout).toBe('[]\n')
})

test('show tells all of a failed deployment', async () => {
  await using api = await startFakeApi({ handlers: { getDeployment: () => aFailedDeployment('boom') } })
  const { code, stdout } = await run(api, ['show', 'echo'])
  expect(code).toBe(0)
  for (const part of [
    'echo  failed',
    'v1, failed',
    'echo-mcp 1.2.3',
    'server_exited',
    'Exit code 3.',
    'boom',
  ]) {
    expect(stdout).toContain(part)
  }
})

test('tools lists names with the first line of their description, and describes one', async () => {
  await using api = await startFakeApi({
    handlers: {
      getCatalogue: () => catalogue,
      listTools: () => ({
        pinning: 'changed',
        items: [aTool('echo', { description: 'Says it again.\nMore.' }), aTool('add', { isEnabled: false })],
      }),
    },
  })
  expect((await run(api, ['tools', 'echo'])).stdout).toBe('echo\tenabled\tSays it again.\nadd\tdisabled\t\n')
  expect((await run(api, ['tools', 'echo', 'echo'])).stdout).toContain('"type": "object"')
  const missing = await run(api, ['tools', 'echo', 'nope', '--json'])
  expect(missing.code).toBe(3)
  expect(JSON.parse(missing.stdout)).toMatchObject({ error: 'not_found' })
})

const DEFINITION = { name: 'echo', description: 'Says it.' }

test('a tool that changed is shown old beside new, and accepted exactly as it was shown', async () => {
  const decided: unknown[] = []
  const change = {
    kind: 'changed' as const,
    hash: 'a'.repeat(64),
    isBlocked: true,
    isKept: false,
    seenAt: '2026-01-31T12:00:00.000Z',
    members: ['description'],
    from: DEFINITION,
    to: { ...DEFINITION, description: 'Says\u200b it.' },
  }
  const tools = { pinning: 'changed' as const, items: [aTool('echo', { change, shownAs: null })] }
  await using api = await startFakeApi({
    handlers: {
      listTools: () => tools,
      decideAboutTool: ({ body }) => {
        decided.push(body)
        return { ...tools, items: [aTool('echo')] }
      },
    },
  })
  const listed = await run(api, ['tools', 'echo'])
  expect(listed.stdout).toContain('echo\tblocked: changed\t')
  expect(listed.stderr).toContain('tools review echo')
  const review = await run(api, ['tools', 'review', 'echo'])
  expect(review.stdout).toContain('- Says it.\n+ "Says\\u200b it."')
  expect((await run(api, ['tools', 'accept', 'echo', 'echo'])).stdout).toBe('echo\techo\tenabled\n')
  expect(decided).toEqual([{ tool: 'echo', decision: 'accept', hash: 'a'.repeat(64) }])
  expect((await run(api, ['tools', 'keep-blocked', 'echo', 'other'])).code).toBe(3)
})

test('tools are switched, renamed and annotated', async () => {
  const changes: unknown[] = []
  await using api = await startFakeApi({
    handlers: {
      changeTool: ({ body }) => {
        changes.push(body)
        return { pinning: 'changed' as const, items: [aTool('echo', { isEnabled: false, shownAs: null })] }
      },
    },
  })
  expect((await run(api, ['tools', 'disable', 'echo', 'echo'])).stdout).toBe('echo\t-\tdisabled\n')
  await run(api, ['tools', 'enable', 'echo', 'echo'])
  await run(api, ['tools', 'rename', 'echo', 'echo', 'say'])
  await run(api, ['tools', 'rename', 'echo', 'echo'])
  await run(api, ['tools', 'annotate', 'echo', 'echo', '--title', 'T', '--read-only', '--no-destructive'])
  expect(JSON.parse((await run(api, ['tools', 'disable', 'echo', 'echo', '--json'])).stdout)).toMatchObject({
    pinning: 'changed',
  })
  expect(changes).toEqual([
    { tool: 'echo', isEnabled: false },
    { tool: 'echo', isEnabled: true },
    { tool: 'echo', name: 'say' },
    { tool: 'echo', name: null },
    { tool: 'echo', title: 'T', annotations: { readOnlyHint: true, destructiveHint: false } },
    { tool: 'echo', isEnabled: false },
  ])
  expect((await run(api, ['tools', 'annotate', 'echo', 'echo'])).stderr).toContain('--title')
})

test('call sends its arguments, prints text and tells by exit code 8 that the tool reported an error', async () => {
  let isError = false
  await using api = await startFakeApi({
    handlers: {
      callTool: () => ({
        content: [
          { type: 'text', text: 'line 1\nline 2' },
          { type: 'image', data: 'AAAA', mimeType: 'image/png' },
        ],
        isError,
      }),
    },
  })
  const fine = await run(api, ['call', 'echo', 'echo', '{"message":"hi"}'])
  expect(fine).toMatchObject({
    code: 0,
    stdout: 'line 1\nline 2\n[image image/png, 3 bytes; see it whole with --json]\n',
  })
  isError = true
  const failed = await run(api, ['call', 'echo', 'echo', '-', '--json'], {
    stdin: '{"message":"from stdin"}',
  })
  expect(failed.code).toBe(8)
  expect(JSON.parse(failed.stdout)).toMatchObject({ isError: true })
  expect(api.requests.map(({ params, body }) => ({ params, body }))).toEqual([
    { params: { id: 'echo' }, body: { tool: 'echo', arguments: { message: 'hi' } } },
    { params: { id: 'echo' }, body: { tool: 'echo', arguments: { message: 'from stdin' } } },
  ])
})

test.each(['{oops', '[1]', '"text"', 'null'])(
  'call refuses the arguments %s before it asks the server',
  async (json) => {
    await using api = await startFakeApi()
    const { code, stdout } = await run(api, ['call', 'echo', 'echo', json, '--json'])
    expect(code).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject({ error: 'invalid_request' })
    expect(api.requests).toEqual([])
  },
)

test('logs prints time, stream and line in a pipe; -f goes on without repeating until the deployment is deleted', async () => {
  await using api = await startFakeApi({
    handlers: { listLogs: () => ({ items: [aLogLine(1, 'one'), aLogLine(2, 'two')], before: null }) },
    feed(feed) {
      if (feed.number === 1) {
        feed.send('log', aLogLine(2, 'two'), '2')
        feed.send('log', aLogLine(10, 'ten'), '10')
        setImmediate(() => feed.cut())
      } else {
        feed.send('log', aLogLine(10, 'ten'), '10')
        feed.send('log', aLogLine(11, 'eleven'), '11')
        feed.send('deleted', { id: 'dep_1' })
      }
    },
  })
  const { code, stdout } = await run(api, ['logs', 'echo', '-f', '-n', '2'])
  expect(code).toBe(0)
  expect(stdout.split('\n')).toEqual([
    `${at(1)}\tstderr\tone`,
    `${at(2)}\tstderr\ttwo`,
    `${at(10)}\tstderr\tten`,
    `${at(11)}\tstderr\televen`,
    '',
  ])
  expect(api.requests[0]?.query).toEqual({ limit: '2' })
  expect((await run(api, ['logs', 'echo', '-f', '--json'])).code).toBe(2)
})

test('stop, start and restart print the deployment; --wait waits for the state', async () => {
  await using api = await startFakeApi({
    handlers: {
      stopDeployment: () => aDeployment({ state: 'stopped' }),
      startDeployment: () => aDeployment({ state: 'deploying' }),
      restartDeployment: () => aDeployment({ state: 'deploying' }),
    },
    feed(feed) {
      feed.send('event', anEvent(1, 'deployment.desired'), '1')
      feed.send('deployment', aDeployment({ state: 'deploying' }), '1')
      feed.send('event', anEvent(2, 'instance.ready'), '2')
      feed.send('deployment', aDeployment(), '2')
    },
  })
  expect((await run(api, ['stop', 'echo'])).stdout).toBe('echo is stopped.\n')
  expect((await run(api, ['start', 'echo'])).stdout).toBe('echo is deploying.\n')
  expect((await run(api, ['start', 'echo', '--wait'])).stdout).toBe('echo is running.\n')
  expect(JSON.parse((await run(api, ['restart', 'echo', '--wait', '--json'])).stdout)).toMatchObject({
    state: 'running',
  })
})

test('restart --wait is not content with the old instance, which serves until the new one does', async () => {
  await using api = await startFakeApi({
    handlers: { restartDeployment: () => aDeployment() },
    feed(feed) {
      feed.send('event', anEvent(1, 'instance.ready'), '1')
      feed.send('event', anEvent(2, 'deployment.desired'), '2')
      feed.send('deployment', aDeployment({ name: 'with the old instance' }), '2')
      feed.send('deployment', aDeployment({ state: 'deploying' }), '2')
      feed.send('event', anEvent(3, 'instance.ready'), '3')
      feed.send('deployment', aDeployment({ name: 'with the new instance' }), '3')
    },
  })
  const { stdout } = await run(api, ['restart', 'echo', '--wait', '--json'])
  expect(JSON.parse(stdout)).toMatchObject({ name: 'with the new instance' })
})

test('restart --wait ends with the new instance, also when the deployment shows nothing new', async () => {
  await using api = await startFakeApi({
    handlers: { restartDeployment: () => aDeployment() },
    feed(feed) {
      feed.send('event', anEvent(1, 'deployment.desired'), '1')
      feed.send('deployment', aDeployment(), '1')
      feed.send('event', anEvent(2, 'instance.ready'), '2')
    },
  })
  expect((await run(api, ['restart', 'echo', '--wait'])).stdout).toBe('echo is running.\n')
})

test('restart --wait fails when the new instance does not come up', async () => {
  await using api = await startFakeApi({
    handlers: { restartDeployment: () => aDeployment() },
    feed(feed) {
      feed.send('event', anEvent(1, 'deployment.desired'), '1')
      feed.send('event', anEvent(2, 'instance.ended', 'It ended with exit code 3.'), '2')
      feed.send('deployment', aDeployment({ state: 'unhealthy' }), '3')
    },
  })
  const { code, stderr } = await run(api, ['restart', 'echo', '--wait'])
  expect(code).toBe(1)
  expect(stderr).toContain('exit code 3')
})

test('rm needs --yes when there is nobody to ask, and --wait waits until the deployment is gone', async () => {
  await using api = await startFakeApi({
    handlers: { deleteDeployment: () => aDeployment({ state: 'deleting' }) },
    feed(feed) {
      feed.send('deployment', aDeployment({ state: 'deleting' }), '1')
      feed.send('deleted', { id: 'dep_1' })
    },
  })
  expect((await run(api, ['rm', 'echo'])).code).toBe(2)
  expect(api.requests).toEqual([])
  expect((await run(api, ['rm', 'echo', '--yes'])).stdout).toBe('echo is being deleted.\n')
  expect((await run(api, ['rm', 'echo', '--yes', '--wait'])).stdout).toBe('echo is deleted.\n')
})

test('rm --wait of a deployment that is gone before the feed opens is a success', async () => {
  await using api = await startFakeApi({
    handlers: { deleteDeployment: () => aDeployment({ state: 'deleting' }) },
    feed: () => {
      throw new CatwalkError('deployment_not_found', 'There is no such deployment.')
    },
  })
  expect((await run(api, ['rm', 'echo', '--yes', '--wait'])).code).toBe(0)
})

test('token add prints the secret alone; revoke takes an id or a name that only one has', async () => {
  const items = [aToken(), aToken({ id: 'tok_2', name: 'two' }), aToken({ id: 'tok_3', name: 'two' })]
  await using api = await startFakeApi({
    handlers: {
      getDeployment: () => aDeployment(),
      createToken: () => aToken(),
      listTokens: () => ({ items }),
      revokeToken: () => null,
    },
  })
  expect((await run(api, ['token', 'add', 'echo', '--name', 'x', '--expires', '30'])).stdout).toBe(
    'cwk_abcdef\n',
  )
  expect((await run(api, ['token', 'ls', 'echo'])).stdout.split('\n')).toHaveLength(4)
  expect((await run(api, ['token', 'ls', 'echo', '--json'])).stdout).not.toContain('secret')
  expect((await run(api, ['token', 'revoke', 'echo', 'first'])).code).toBe(0)
  expect((await run(api, ['token', 'revoke', 'echo', 'tok_3'])).code).toBe(0)
  expect((await run(api, ['token', 'revoke', 'echo', 'two'])).code).toBe(2)
  expect((await run(api, ['token', 'revoke', 'echo', 'nobody'])).code).toBe(3)
  const revoked = api.requests.filter(({ name }) => name === 'revokeToken')
  expect(revoked.map(({ params }) => params['tokenId'])).toEqual(['tok_1', 'tok_3'])
})

test('connect prints lines with the given token, or says where one belongs', async () => {
  const settings: RouteOutput<'getSettings'> = {
    access: 'token',
    allowedOrigins: [],
    processes: 'auto',
    stateful: false,
    keepsData: true,
    alwaysOn: false,
    idleTimeoutS: null,
  }
  await using api = await startFakeApi({
    handlers: { getDeployment: () => aDeployment(), getSettings: () => settings },
  })
  const one = await run(api, ['connect', 'echo', '--client', 'json', '--token', 'cwk_x', '--json'])
  const [setup] = JSON.parse(one.stdout) as { text: string }[]
  expect(JSON.parse(setup?.text ?? '')).toEqual({
    mcpServers: {
      echo: {
        type: 'http',
        url: 'http://localhost:7420/mcp/echo',
        headers: { Authorization: 'Bearer cwk_x' },
      },
    },
  })
  const all = await run(api, ['connect', 'echo'])
  expect(all.stdout).toContain('YOUR_TOKEN')
  expect(all.stderr).toContain('bin/catwalk token add echo')
})

test('setup-link prints the link alone', async () => {
  const url = 'http://localhost:7420/setup#token=abc'
  await using api = await startFakeApi({
    handlers: { createSetUpLink: () => ({ url, expiresAt: at(1800) }) },
  })
  expect((await run(api, ['setup-link'])).stdout).toBe(`${url}\n`)
})

test('workspace set gives the named settings and those of a file, and what is none of them is left out', async () => {
  await using directory = await temporaryDirectory()
  const file = join(directory.path, '.env')
  await writeFile(file, 'FLY_APP=our-app\nFLY_API_TOKEN=fly-secret\nUNRELATED=1\n')
  const items = [
    { name: 'FLY_APP', masked: 'our-app', account: 'our-app', checkedAt: at(0) },
    { name: 'GITHUB_TOKEN', masked: '…wxyz', account: 'octocat', checkedAt: at(0) },
  ] as const
  await using api = await startFakeApi({
    handlers: { changeWorkspaceSettings: () => ({ items: [...items] }) },
  })
  const words = ['workspace', 'set', 'GITHUB_TOKEN=-', '--env-file', file]
  const { code, stdout, stderr } = await run(api, words, { stdin: 'ghp_secret_wxyz\n' })
  expect(code).toBe(0)
  expect(api.requests.at(-1)?.body).toEqual({
    values: { FLY_APP: 'our-app', FLY_API_TOKEN: 'fly-secret', GITHUB_TOKEN: 'ghp_secret_wxyz' },
  })
  expect(stdout).toContain('…wxyz')
  expect(`${stdout}${stderr}`).not.toContain('secret')
  expect(stderr).toContain('1 of the file')
  const unknown = await run(api, ['workspace', 'unset', 'GITHUB_TOKN'])
  expect(unknown.code).not.toBe(0)
  expect(unknown.stderr).toContain('GITHUB_TOKEN')
})
