import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { CatwalkError } from '../../src/domain/index.ts'
import { startFakeApi, type FeedConnection } from '../fakes/api.ts'
import {
  aDeployingDeployment,
  aDeployment,
  aFailedDeployment,
  aLogLine,
  aStateEvent,
  aToken,
} from '../fakes/api-data.ts'
import { run } from './run.ts'

const created = () => ({ deployment: aDeployingDeployment(), token: aToken() })

function sendProgress(feed: FeedConnection): void {
  feed.send('event', aStateEvent(1, 'installing', 1), '1')
  feed.send('log', aLogLine(2, 'added 12 packages'), '2')
  feed.send('event', aStateEvent(3, 'starting', 4), '3')
  feed.send('event', aStateEvent(4, 'probing', 4.5), '4')
}

test('deploy --json --wait prints one document with the endpoint and its token once the deployment runs', async () => {
  await using api = await startFakeApi({
    handlers: { createDeployment: created },
    feed(feed) {
      sendProgress(feed)
      feed.send('deployment', aDeployment(), '5')
    },
  })
  const { code, stdout } = await run(api, ['deploy', 'npm:echo-mcp', '--json', '--wait'])
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toEqual({
    id: 'dep_1',
    slug: 'echo',
    state: 'running',
    endpoint: 'http://localhost:7420/mcp/echo',
    token: 'cwk_abcdef',
  })
})

test('every flag of deploy reaches the server', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'catwalk-cli-'))
  const file = join(folder, '.env')
  await writeFile(file, 'FROM_FILE=1\nBOTH=file\nEMPTY=\n# a comment\nQUOTED="two words"\n')
  await using api = await startFakeApi({ handlers: { createDeployment: created } })
  const { code, stderr } = await run(
    api,
    [
      ['deploy', 'npm:echo-mcp@1.2.3', '--no-wait', '--name', 'My echo', '--slug', 'my-echo'],
      ['--env', 'PLAIN=a=b', '--env', 'BOTH=flag', '--env', 'OWN', '--env', 'PIPED=-', '--env-file', file],
      ['--arg', '--json', '--arg', '.', '--executable', 'echo', '--network', 'none', '--allow-scripts'],
      ['--memory', '128', '--server', 'second', '--yes', '--file', `KEY_FILE=${file}`],
      ['--header', 'X-Team: {OWN}', '--personal', 'OWN', '--account', 'HUB_TOKEN=github', '--allow-missing'],
    ].flat(),
    { stdin: 'from stdin\n', env: { OWN: 'from the environment' } },
  )
  await rm(folder, { recursive: true })
  expect(code).toBe(0)
  expect(stderr).toContain('EMPTY')
  expect(api.requests.map(({ body }) => body)).toEqual([
    {
      source: 'npm:echo-mcp@1.2.3',
      name: 'My echo',
      slug: 'my-echo',
      variables: {
        FROM_FILE: '1',
        BOTH: 'flag',
        QUOTED: 'two words',
        PLAIN: 'a=b',
        OWN: 'from the environment',
        PIPED: 'from stdin',
      },
      args: ['--json', '.'],
      executable: 'echo',
      network: 'none',
      allowScripts: true,
      memoryMiB: 128,
      server: 'second',
      confirmWarnings: true,
      files: { KEY_FILE: expect.stringContaining('FROM_FILE=1') },
      arguments: {},
      personal: ['OWN'],
      accounts: { HUB_TOKEN: { provider: 'github', template: '{token}' } },
      allowMissing: true,
      tokenName: 'first',
      headers: { 'X-Team': '{OWN}' },
    },
  ])
})

test('without a terminal, progress is plain lines on standard error and the result ends with set-up lines', async () => {
  await using api = await startFakeApi({
    handlers: { createDeployment: created },
    feed(feed) {
      sendProgress(feed)
      feed.send('event', aStateEvent(5, 'live', 5), '5')
      feed.send('deployment', aDeployment(), '6')
    },
  })
  const { code, stdout, stderr } = await run(api, ['deploy', 'npm:echo-mcp'])
  expect(code).toBe(0)
  expect(stderr.split('\n')).toEqual([
    'Deploying echo from npm:echo-mcp@1.2.3',
    'Installing…',
    'Installing  3.0 s',
    'Starting…',
    'Starting    0.5 s',
    'Probing…',
    'Probing     0.5 s',
    '',
  ])
  expect(stdout).toContain('echo is running, 2 tools.')
  expect(stdout).toContain(
    "claude mcp add --transport http echo http://localhost:7420/mcp/echo --header 'Authorization: Bearer cwk_abcdef'",
  )
  expect(stdout).toContain('~/.cursor/mcp.json')
  expect(stdout).toContain('code --add-mcp ')
  // oxlint-disable-next-line no-control-regex -- the absence of an escape is what is tested
  expect(stdout + stderr).not.toMatch(/\u001B/)
})

test('a failed deployment exits with 6 and tells code, message, help, exit code and last output', async () => {
  const failed = aFailedDeployment('Error: API_KEY is not set')
  await using api = await startFakeApi({
    handlers: { createDeployment: created },
    feed: (feed) => feed.send('deployment', failed, '1'),
  })
  const human = await run(api, ['deploy', 'npm:echo-mcp'])
  expect(human.code).toBe(6)
  expect(human.stdout).toBe('')
  expect(human.stderr).toContain('Error (server_exited): The server ended with exit code 3')
  expect(human.stderr).toContain('Read its last output.')
  expect(human.stderr).toContain('Exit code 3.')
  expect(human.stderr).toContain('  Error: API_KEY is not set')

  const machine = await run(api, ['deploy', 'npm:echo-mcp', '--json'])
  expect(machine.code).toBe(6)
  expect(JSON.parse(machine.stdout)).toMatchObject({
    error: 'server_exited',
    help: 'Read its last output.',
    details: {
      slug: 'echo',
      state: 'failed',
      exitCode: 3,
      lastLines: [{ line: 'Error: API_KEY is not set' }],
    },
  })
})

test('a cut feed is taken up where it broke off', async () => {
  const resumedFrom: (string | null)[] = []
  await using api = await startFakeApi({
    handlers: { createDeployment: created },
    feed(feed) {
      resumedFrom.push(feed.lastEventId)
      if (feed.number === 1) {
        feed.send('event', aStateEvent(1, 'installing', 1), '1')
        feed.send('log', aLogLine(2, 'half way'), '2')
        // Only once the lines are on their way.
        setImmediate(() => feed.cut())
      } else if (feed.number === 2) {
        feed.end()
      } else {
        feed.send('event', aStateEvent(3, 'starting', 4), '3')
        feed.send('deployment', aDeployment(), '4')
      }
    },
  })
  const { code, stderr } = await run(api, ['deploy', 'npm:echo-mcp', '--json'])
  expect(code).toBe(0)
  expect(resumedFrom).toEqual([null, '2', '2'])
  expect(stderr.match(/Installing…/g)).toHaveLength(1)
})

test('a wait that is too short exits with 7 and still gives the token, because the deployment goes on', async () => {
  await using api = await startFakeApi({
    handlers: { createDeployment: created },
    feed: (feed) => feed.send('deployment', aDeployingDeployment('installing'), '1'),
  })
  const machine = await run(api, ['deploy', 'npm:echo-mcp', '--json', '--timeout', '1'])
  expect(machine.code).toBe(7)
  expect(JSON.parse(machine.stdout)).toMatchObject({
    error: 'wait_timeout',
    details: { token: 'cwk_abcdef' },
  })
  const human = await run(api, ['deploy', 'npm:echo-mcp', '--timeout', '1'])
  expect(human.code).toBe(7)
  expect(human.stderr).toContain('cwk_abcdef')
})

test('what the server refuses is shown as it says it, with the exit code of its kind', async () => {
  await using api = await startFakeApi({
    handlers: {
      createDeployment() {
        throw new CatwalkError('package_not_found', "There is no package 'nope'.")
      },
    },
  })
  const human = await run(api, ['deploy', 'npm:nope'])
  expect(human).toMatchObject({ code: 3, stdout: '' })
  expect(human.stderr).toContain("Error (package_not_found): There is no package 'nope'.")
  const machine = await run(api, ['deploy', 'npm:nope', '--json'])
  expect(machine.code).toBe(3)
  expect(JSON.parse(machine.stdout)).toMatchObject({ error: 'package_not_found', requestId: 'req_fake' })
})

test.each([
  ['a variable without a name', ['--env', '=value'], 'has no name'],
  ['a variable that is not in the environment', ['--env', 'MISSING'], "'MISSING' has no value"],
  ['an environment file that is not there', ['--env-file', '/nowhere/.env'], 'cannot be read'],
  ['two variables from standard input', ['--env', 'A=-', '--env', 'B=-'], 'Only one variable'],
  ['an unknown network policy', ['--network', 'host'], 'invalid'],
  ['a memory limit that is no number', ['--memory', 'much'], 'whole number'],
])('%s is a wrong use: exit code 2, and nothing is sent', async (_, flags, message) => {
  await using api = await startFakeApi({ handlers: { createDeployment: created } })
  const { code, stdout, stderr } = await run(api, ['deploy', 'npm:echo-mcp', ...flags], { stdin: 'x' })
  expect(code).toBe(2)
  expect(stdout).toBe('')
  expect(stderr).toContain(message)
  expect(api.requests).toEqual([])
})

test('on a terminal what is missing is asked for and not shown, and anywhere else it is an error', async () => {
  const bodies: unknown[] = []
  await using api = await startFakeApi({
    handlers: {
      createDeployment: ({ body }) => {
        bodies.push(body)
        if (bodies.length % 2 === 0) return created()
        throw new CatwalkError(
          'missing_variable',
          'These values are required and missing: ACME_KEY; --site.',
          {
            details: { missing: ['ACME_KEY', '--site'] },
          },
        )
      },
    },
  })
  const asked = await run(api, ['deploy', 'npm:acme', '--no-wait'], {
    answers: ['typed-secret', 'acme.example'],
  })
  expect([asked.code, asked.stderr]).toEqual([0, expect.any(String)])
  expect(bodies.at(-1)).toMatchObject({
    variables: { ACME_KEY: 'typed-secret' },
    arguments: { '--site': 'acme.example' },
  })
  expect(asked.stdout + asked.stderr).not.toContain('typed-secret')
  const told = await run(api, ['deploy', 'npm:acme', '--no-wait'])
  expect(told.code).not.toBe(0)
  expect(told.stderr).toContain('ACME_KEY')
})
