import { expect, test } from 'vitest'
import {
  newId,
  Secret,
  type HeaderTemplate,
  type Instance,
  type InstanceInput,
  type TrialInput,
} from '../../src/domain/index.ts'
import { CALLER, type Release } from '../runtimes/release.ts'
import type { RemoteServer } from '../runtimes/remote-servers.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { until } from '../support/until.ts'
import { never, type Bench, type SetUp } from './runtime-bench.ts'

/** A runtime that may reach one server and its evaluator, and no public address at all. */
export interface ReachingSetUp extends SetUp {
  /** A server with the tool `echo`. */
  readonly far: RemoteServer
  /** One more, of which the runtime was not told that it may be reached. */
  readonly stranger: RemoteServer
}

const soon = (): AbortSignal => AbortSignal.timeout(15_000)
const AUTHORIZATION: readonly HeaderTemplate[] = [{ name: 'Authorization', value: 'Bearer {TOKEN}' }]

const echo = async ({ endpoint }: Instance): Promise<unknown> =>
  (await endpoint.request('tools/call', { name: 'echo', arguments: { text: 'hi' } }, CALLER, soon()))[
    'content'
  ]
const HI = [{ type: 'text', text: 'hi' }]

const trialOf = (url: string): TrialInput => ({
  workspaceId: newId('workspace'),
  package: { kind: 'remote', url },
  args: [],
  variables: [],
  requiredOneOf: [],
  arguments: [],
  allowScripts: false,
  memoryMiB: 256,
  lockFile: null,
  limitMs: 15_000,
  output: () => undefined,
})

/** What a release of the server is started with to send headers. */
const sending = (
  release: Release,
  values: Readonly<Record<string, string>>,
  headers = AUTHORIZATION,
): Partial<InstanceInput> => ({
  spec: { ...release.prepare.spec, transport: { kind: 'http', headers } },
  credentials: new Map(Object.entries(values).map(([name, value]) => [name, new Secret(value)])),
})

/** Has a gate answer in the place of a server for a while. */
function closed(server: RemoteServer, gate: RemoteServer['gate']): Disposable {
  server.gate = gate
  return {
    [Symbol.dispose]: () => {
      server.gate = () => false
    },
  }
}

/** What a runtime must do that only reaches servers: what it asks of whom, with whose values, and what it makes of silence. */
export function reachingRuntime(bench: Bench<ReachingSetUp>): void {
  const { releaseOf, run } = bench
  const far = (): RemoteServer => bench.subject.far
  const at = (url: string): Release => releaseOf({ kind: 'remote', url })

  test('declares that it neither limits nor confines nor hears what runs elsewhere', () => {
    expect(bench.runtime.supports).toMatchObject({
      packages: ['remote'],
      memoryLimit: false,
      serverLogs: false,
      networkPolicies: ['internet'],
    })
  })

  test('nothing is installed, and the server hears of nothing before it is called', async () => {
    const asked = far().seen.length
    const release = at(far().url)
    expect(await bench.runtime.prepare(release.prepare, never)).toEqual({
      lockFile: '',
      packages: 0,
      fromStore: true,
    })
    await using instance = await run(release)
    expect(far().seen.length).toBe(asked)
    expect(await echo(instance)).toEqual(HI)
  })

  test('a trial says what the server offers, and is made without values of anybody', async () => {
    const before = far().seen.length
    const trial = await bench.runtime.tryOut(trialOf(far().url), never)
    expect(trial.proof).toMatchObject({ booted: true, failure: null })
    expect(trial.manifest?.tools.map((tool) => tool['name'])).toContain('echo')
    const asked = far().seen.slice(before)
    expect(asked.length).toBeGreaterThan(0)
    expect(asked.filter(({ headers }) => headers.authorization !== undefined)).toEqual([])
  })

  test('what a deployment is given is sent with every request, under its own names, and is in no log', async () => {
    const release = at(far().url)
    const headers = [...AUTHORIZATION, { name: 'X-Team', value: '{TEAM}' }]
    const before = far().seen.length
    {
      await using instance = await run(release, sending(release, { TOKEN: 'sesame', TEAM: 'red' }, headers))
      expect(await echo(instance)).toEqual(HI)
    }
    const asked = far().seen.slice(before)
    expect(asked.length).toBeGreaterThan(0)
    for (const one of asked)
      expect(one.headers).toMatchObject({ authorization: 'Bearer sesame', 'x-team': 'red' })
    expect(JSON.stringify(release.lines)).not.toContain('sesame')
  })

  test('each person is served with their own values and in no session of another', async () => {
    const release = at(far().url)
    const before = far().seen.length
    const start = async (person: string): Promise<Instance & AsyncDisposable> =>
      run(release, {
        ...sending(release, { TOKEN: `of-${person}` }),
        person,
        instanceId: newId('instance'),
      })
    await using ana = await start('user_ana')
    await using ben = await start('user_ben')
    await Promise.all([echo(ana), echo(ben), echo(ana)])
    const owners = new Map<string, Set<string>>()
    for (const { headers } of far().seen.slice(before)) {
      const session = headers['mcp-session-id']
      if (typeof session !== 'string') continue
      owners.set(session, (owners.get(session) ?? new Set()).add(headers.authorization ?? ''))
    }
    for (const tokens of owners.values()) expect(tokens.size).toBe(1)
    const tokens = new Set(
      far()
        .seen.slice(before)
        .map(({ headers }) => headers.authorization),
    )
    expect(tokens).toEqual(new Set(['Bearer of-user_ana', 'Bearer of-user_ben']))
    await bench.runtime.keepPeople?.(release.prepare.deploymentId, new Set(['user_ben']), never)
    expect(await echo(ben)).toEqual(HI)
  })

  test('an address that is not public and was not named is asked by no name that it has', async () => {
    const { stranger } = bench.subject
    const { port } = new URL(stranger.url)
    const hosts = ['127.0.0.1', 'localhost', '[::1]', '2130706433', '0x7f.1', '0.0.0.0', '[::ffff:127.0.0.1]']
    const urls = hosts.map((host) => `https://${host}:${port}/mcp`)
    for (const url of [stranger.url, ...urls, 'https://169.254.169.254/latest', 'https://10.0.0.1/mcp']) {
      const release = at(url)
      await using instance = await run(release, sending(release, { TOKEN: 'sesame' }))
      const error = await catwalkErrorOf(instance.check(soon()))
      expect([url, error.code]).toEqual([url, 'remote_refused'])
      expect(error.message).not.toContain('sesame')
      const { proof } = await bench.runtime.tryOut(trialOf(url), never)
      expect(proof.failure?.code).toBe('remote_refused')
    }
    expect(stranger.seen).toEqual([])
  })

  test('a server leads nobody to another one: neither the message nor the values follow', async () => {
    const { stranger } = bench.subject
    const release = at(far().url)
    using gate = closed(far(), (_req, res) => {
      res.writeHead(307, { location: stranger.url })
      res.end()
      return true
    })
    await using instance = await run(release, sending(release, { TOKEN: 'sesame' }))
    expect((await catwalkErrorOf(instance.check(soon()))).code).toBe('remote_refused')
    expect(stranger.seen).toEqual([])
    gate[Symbol.dispose]()
    expect(await echo(instance)).toEqual(HI)
  })

  test('a server that is away does not stop a start; who asks is told, and it serves once it is back', async () => {
    const server = far()
    const release = at(server.url)
    await server.goAway()
    await using back = new AsyncDisposableStack()
    back.defer(() => server.comeBack())
    await using instance = await run(release)
    const [error, trial] = await Promise.all([
      catwalkErrorOf(instance.check(soon())),
      bench.runtime.tryOut(trialOf(server.url), never),
    ])
    expect(error.code).toBe('remote_unavailable')
    expect(trial.proof.failure?.code).toBe('remote_unavailable')
    await back.disposeAsync()
    expect(await echo(instance)).toEqual(HI)
  })

  test('a call that is under way when the server goes away gets an error, not silence', async () => {
    const server = far()
    await using instance = await run(at(server.url))
    expect(await echo(instance)).toEqual(HI)
    let held = 0
    using gate = closed(server, ({ method }) => method === 'POST' && ++held > 0)
    const call = catwalkErrorOf(echo(instance))
    await until('the call has arrived', () => (held > 0 ? true : null))
    await server.goAway()
    expect((await call).code).toBe('remote_unavailable')
    gate[Symbol.dispose]()
    await server.comeBack()
    expect(await echo(instance)).toEqual(HI)
  })

  test('what is said to be stopped asks nothing any more', async () => {
    const asked = far().seen.length
    await using instance = await run(at(far().url))
    expect(await echo(instance)).toEqual(HI)
    expect(far().seen.length).toBeGreaterThan(asked)
    await instance.stop(500)
    const ended = far().seen.length
    expect(await catwalkErrorOf(echo(instance))).toBeDefined()
    expect(far().seen.length).toBe(ended)
  })
}
