import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { Client, type ClientConfig } from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { plainClient } from '../../src/db/connect.ts'
import { parseConnectionUrl } from '../../src/db/connection-url.ts'
import { embeddedTarget } from '../../src/db/embedded/target.ts'
import { socketDirectory } from '../../src/db/embedded/directories.ts'
import { openDatabase } from '../../src/db/index.ts'
import { Secret } from '../../src/domain/index.ts'
import { externalUrl, hasSystemPostgres, startExternalPostgres } from '../db/fixtures/external-postgres.ts'
import { startNpmRegistry, type NpmRegistry } from '../fakes/npm-registry.ts'
import { brokenReferences, sumsOf, type Sum } from '../support/database-sums.ts'
import { silentLogger } from '../support/logger.ts'
import { connectClient } from '../support/mcp-client.ts'
import { apiOf, startProgram, type Program } from '../support/program.ts'
import { serverPackage, toolsNamed } from '../support/server-package.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { until } from '../support/until.ts'

const LAUNCHER = fileURLToPath(new URL('../../bin/catwalk', import.meta.url))
/** So that a backup takes a while. */
const OLD_LINES = 300_000
const OLD_CALLS = 100_000

/** Says what it was given, and ten lines of output at each call. */
const TALKER = serverPackage('talker-mcp', {
  answers: `
  'tools/list': ${toolsNamed('key')},
  'tools/call': () => {
    for (let line = 0; line < 10; line++) console.error('called, and says so: ' + line)
    return { content: [{ type: 'text', text: process.env.TALKER_KEY }] }
  },
`,
})

const owned = new AsyncDisposableStack()
let registry: NpmRegistry
let environment: Readonly<Record<string, string>>
let program: Program
let observer: Client
let load: Load
let masterKey: string
let file: string
/** What the database held at the moment that the backup is of. */
let atThatMoment: Readonly<Record<string, Sum>>
/** What was written since, when the backup ended. */
let atItsEnd: Readonly<Record<string, number>>
let report: Report

interface Report {
  readonly createdAt: string
  readonly rows: number
  readonly tables: Readonly<Record<string, { readonly rows: number; readonly sha256: string }>>
}

beforeAll(async () => {
  registry = owned.use(await startNpmRegistry([TALKER]))
  environment = {
    npm_config_registry: registry.url,
    npm_config_userconfig: '/nonexistent',
    CATWALK_LOG_RETENTION_LINES: '1000000',
    CATWALK_TOKEN_REQUESTS_PER_MINUTE: '1000000',
  }
  const dataDir = owned.use(await temporaryDirectory()).path
  file = join(owned.use(await temporaryDirectory()).path, 'backup.gz')
  program = owned.use(await startProgram({ dataDir, env: environment }))
  masterKey = (await readFile(join(dataDir, 'master.key'), 'utf8')).trim()
  observer = await connectTo(await embedded(dataDir))
  owned.defer(() => observer.end())
  load = owned.use(await startLoad())
  await writeHistory(load.deploymentId)
}, 240_000)
afterAll(() => owned.disposeAsync())

async function embedded(dataDir: string): Promise<ClientConfig> {
  return plainClient(embeddedTarget(socketDirectory(dataDir)))
}

async function connectTo(config: ClientConfig): Promise<Client> {
  const client = new Client(config)
  await client.connect()
  // Rows as text are the same on every server then.
  await client.query(`set timezone to 'UTC'`)
  return client
}

/** What an installation of some age has: many lines and calls. */
async function writeHistory(deploymentId: string): Promise<void> {
  await observer.query(
    `insert into log_lines (workspace_id, deployment_id, release_id, stream, line, at)
     select d.workspace_id, d.id, d.live_release_id, 'stderr', 'an older line, of no use any more: ' || md5(n::text), now()
     from deployments d, generate_series(1, $2::integer) n where d.id = $1`,
    [deploymentId, OLD_LINES],
  )
  await observer.query(
    `insert into calls (at, workspace_id, deployment_id, subject, method, name, outcome, duration_ms, request_id)
     select now() - make_interval(secs => n), d.workspace_id, d.id, 'usr_old', 'tools/call', 'key', 'ok', n / 7.0, 'req_' || n
     from deployments d, generate_series(1, $2::integer) n where d.id = $1`,
    [deploymentId, OLD_CALLS],
  )
}

interface Load extends AsyncDisposable {
  readonly deploymentId: string
  readonly slug: string
  /** Of a token that stays, and of one that was revoked before anything. */
  readonly token: string
  readonly revoked: string
  /** Ends it. @throws what went wrong in it */
  end(): Promise<void>
}

/** Calls, output, deployments that come and go, tokens that are made and revoked, settings that change. */
async function startLoad(): Promise<Load> {
  const api = await apiOf(program)
  const done = new AbortController()
  const deploy = (name: string) =>
    api.call('createDeployment', {
      body: {
        source: 'npm:talker-mcp',
        network: 'none',
        name,
        variables: { TALKER_KEY: `the key of ${name}` },
        confirmWarnings: true,
      },
    })
  const { deployment, token } = await deploy('steady')
  const params = { id: deployment.id }
  const runs = (id: string) =>
    until(
      `${id} runs`,
      async () => ((await api.call('getDeployment', { params: { id } })).state === 'running' ? true : null),
      60_000,
    )
  await runs(deployment.id)
  const makeToken = (name: string) => api.call('createToken', { params, body: { name } })
  const revoke = async ({ id }: { readonly id: string }) =>
    api.call('revokeToken', { params: { ...params, tokenId: id } })
  const former = await makeToken('former')
  await revoke(former)

  let rounds = 0
  const repeat = async (work: (round: number) => Promise<void>): Promise<void> => {
    for (let round = 0; !done.signal.aborted; round++) {
      await work(round)
      rounds++
    }
  }
  const calling = async () => {
    await using client = await connectClient(`${program.origin}/mcp/${deployment.slug}`, token.secret)
    await repeat(async () => {
      const { content } = await client.callTool({ name: 'key' })
      expect(content).toEqual([{ type: 'text', text: 'the key of steady' }])
    })
  }
  const all = Promise.all([
    calling(),
    calling(),
    repeat(async (round) => {
      const { deployment: another } = await deploy(`passing ${round}`)
      await runs(another.id)
      if (round % 2 === 0) await api.call('deleteDeployment', { params: { id: another.id } })
    }),
    repeat(async (round) => {
      const made = await makeToken(`token ${round}`)
      if (round % 2 === 0) await revoke(made)
    }),
    repeat(async (round) => {
      await api.call('changeSettings', { params, body: { idleTimeoutS: 600 + (round % 100) } })
    }),
  ])
  // Looked at in the end; until then a failure has nobody to hear it.
  all.catch(() => undefined)
  await until('the load is on', () => (rounds > 20 ? true : null), 60_000)
  const end = async (): Promise<void> => {
    done.abort()
    await all
  }
  return {
    deploymentId: deployment.id,
    slug: deployment.slug,
    token: token.secret,
    revoked: former.secret,
    end,
    async [Symbol.asyncDispose]() {
      done.abort()
      await all.catch(() => undefined)
    },
  }
}

function startCommand(words: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('CATWALK_') && name !== 'DATABASE_URL',
  )
  const child = spawn(process.execPath, [LAUNCHER, ...words, '--json'], {
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

/** @throws with what it said, unless it ended well */
async function reportOf(child: ChildProcess): Promise<Report> {
  const [[code], said, complaint] = await Promise.all([
    once(child, 'exit'),
    child.stdout === null ? '' : text(child.stdout),
    child.stderr === null ? '' : text(child.stderr),
  ])
  if (code !== 0) throw new Error(`It ended with ${String(code)}: ${complaint}`)
  // Written by the command, and looked at below.
  return JSON.parse(said) as Report
}

const exists = async (query: string): Promise<true | null> =>
  (await observer.query(query)).rowCount === 0 ? null : true

const COUNTED = ['calls', 'log_lines', 'deployments', 'endpoint_tokens', 'audit_entries', 'events'] as const

async function counts(): Promise<Readonly<Record<string, number>>> {
  const columns = COUNTED.map((table) => `(select count(*)::integer from ${table}) as ${table}`)
  const { rows } = await observer.query<Record<string, number>>(`select ${columns.join(', ')}`)
  return rows[0] ?? {}
}

test('a backup that is taken while everything goes on is of one moment, whatever is written before it ends', async () => {
  const child = startCommand(['backup', file], { CATWALK_DATA_DIR: program.dataDir })
  const reported = reportOf(child)
  reported.catch(() => undefined)
  const pid = child.pid ?? 0
  // Nothing is committed while the program stands still, so the backup and the observer see the same.
  process.kill(program.pid, 'SIGSTOP')
  try {
    // What waits for a lock of the program's goes on no sooner than it.
    await until('what it had sent is done', async () =>
      (await exists(
        `select from pg_stat_activity where state = 'active' and backend_type = 'client backend'
         and coalesce(wait_event_type, '') not in ('Lock', 'Client')
         and application_name <> 'catwalk-backup' and pid <> pg_backend_pid()`,
      )) === null
        ? true
        : null,
    )
    await until('the backup has begun', () =>
      exists(
        `select from pg_stat_activity where application_name = 'catwalk-backup' and query ilike 'copy%'`,
      ),
    )
    process.kill(pid, 'SIGSTOP')
    expect(child.exitCode).toBeNull()
    await observer.query('begin isolation level repeatable read read only')
    await observer.query('select count(*) from deployments')
  } finally {
    process.kill(program.pid, 'SIGCONT')
  }
  atThatMoment = await sumsOf(observer)
  await observer.query('commit')
  // It stands in the middle of its work until all that it reads has changed.
  await until(
    'much has been written since',
    async () => {
      const now = await counts()
      return COUNTED.every((table) => (now[table] ?? 0) > (atThatMoment[table]?.rows ?? 0)) ? true : null
    },
    60_000,
  )
  process.kill(pid, 'SIGCONT')
  report = await reported
  atItsEnd = await counts()

  const rows = Object.fromEntries(Object.entries(atThatMoment).map(([table, sum]) => [table, sum.rows]))
  expect(Object.fromEntries(Object.entries(report.tables).map(([table, sum]) => [table, sum.rows]))).toEqual(
    rows,
  )
  expect(rows['log_lines']).toBeGreaterThan(OLD_LINES)
  for (const table of COUNTED) expect(atItsEnd[table]).toBeGreaterThan(rows[table] ?? 0)
  await load.end()
})

/** A database that was never used, and how a program and a client get to it. */
interface Target extends AsyncDisposable {
  readonly dataDir: string
  readonly env: Readonly<Record<string, string>>
  /** While no program runs on it. */
  connect(): Promise<Client & AsyncDisposable>
}

async function embeddedTargetOf(): Promise<Target> {
  const directory = await temporaryDirectory()
  return {
    dataDir: directory.path,
    env: {},
    async connect() {
      const database = await openDatabase(
        { url: null, dataDir: directory.path, logger: silentLogger, poolSize: 1, migrate: false },
        AbortSignal.timeout(60_000),
      )
      const client = await connectTo(plainClient(parseConnectionUrl(database.url)))
      return Object.assign(client, {
        async [Symbol.asyncDispose]() {
          await client.end()
          await database[Symbol.asyncDispose]()
        },
      })
    },
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  }
}

async function systemTargetOf(): Promise<Target> {
  await using stack = new AsyncDisposableStack()
  const server = stack.use(await startExternalPostgres())
  const directory = stack.use(await temporaryDirectory())
  const url = externalUrl(server, 'postgres', '?sslmode=disable')
  const kept = stack.move()
  return {
    dataDir: directory.path,
    env: { DATABASE_URL: url },
    async connect() {
      const client = await connectTo(plainClient(parseConnectionUrl(new Secret(url))))
      return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() })
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

async function majorOf(client: Client): Promise<string> {
  const { rows } = await client.query<{ version: string }>(
    `select current_setting('server_version') as version`,
  )
  return /^\d+/.exec(rows[0]?.version ?? '')?.[0] ?? ''
}

describe.each([
  ['the embedded PostgreSQL', embeddedTargetOf, true],
  ["the system's PostgreSQL of another version", systemTargetOf, hasSystemPostgres],
] as const)('on %s', (name, open, isThere) => {
  test.runIf(isThere)(
    'it is restored to the very rows of that moment, with references and audit chain whole, and its servers answer',
    async ({ annotate }) => {
      await using target = await open()
      const startedAt = performance.now()
      const restored = await reportOf(
        startCommand(['restore', file], { ...target.env, CATWALK_DATA_DIR: target.dataDir }),
      )
      const seconds = (performance.now() - startedAt) / 1000
      expect(restored.tables).toEqual(report.tables)
      {
        await using client = await target.connect()
        expect(await sumsOf(client)).toEqual(atThatMoment)
        const { references, broken } = await brokenReferences(client)
        expect(broken).toEqual([])
        expect(references).toBeGreaterThan(20)
        const isOther = (await majorOf(client)) !== (await majorOf(observer))
        expect(isOther).toBe(target.env['DATABASE_URL'] !== undefined)
      }
      await annotate(
        `${name}: ${restored.rows} rows of ${Object.keys(restored.tables).length} tables from ` +
          `${(await stat(file)).size} bytes in ${seconds.toFixed(1)} s`,
      )
      await using again = await startProgram({
        dataDir: target.dataDir,
        env: { ...environment, ...target.env, CATWALK_MASTER_KEY: masterKey },
      })
      const api = await apiOf(again)
      const verified = await api.call('verifyAudit', {})
      expect(verified).toMatchObject({ ok: true, problem: null })
      expect(verified.entries).toBeGreaterThanOrEqual(atThatMoment['audit_entries']?.rows ?? Infinity)
      const endpoint = `${again.origin}/mcp/${load.slug}`
      await using client = await connectClient(endpoint, load.token)
      expect((await client.callTool({ name: 'key' })).content).toEqual([
        { type: 'text', text: 'the key of steady' },
      ])
      await expect(connectClient(endpoint, load.revoked)).rejects.toThrow(/401|nauthorized|token/i)
    },
  )
})
