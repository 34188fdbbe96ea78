// npm run bench -- deploy --corpus PATH: from the link of a repository to the tools at the endpoint, through the program
// itself. Each published package of the corpus is served as a repository by a GitHub of this machine; the program
// analyses that address with a trial start, installs the package from the npm registry and deploys it with the
// placeholders with which it ran by hand; what `tools/list` at the endpoint names has to be what it named by hand.
// Counted are those that answered by hand; how they are started is what the analysis found, and nothing of the corpus.
//   --corpus PATH     a folder with a servers.json
//   --only NAME       those whose name contains NAME; may be repeated
//   --slice I/N       the I-th of N parts, from 1
//   --cache FOLDER    where packages are kept between runs (the system's temporary folder)
//   --data-dir PATH   keeps the program's data, so installations too, between runs (default: a fresh directory)
//   --json            one JSON document at the end; progress goes to standard error then
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { ApiError, type ApiClient, type RouteOutput } from '../src/contract/index.ts'
import { startGithub, type FakeGithub } from '../test/fakes/github.ts'
import { connectWhenOpen } from '../test/support/mcp-client.ts'
import { apiOf, startProgram } from '../test/support/program.ts'
import { unpackedPackage } from './analyze/packages.ts'
import { loadCorpus, repositoryOf, type CorpusServer } from './corpus.ts'
import { differenceOf, isNamedAnew } from './deploy/compare.ts'
import { wishOf } from './deploy/wish.ts'

const { values } = parseArgs({
  options: {
    corpus: { type: 'string' },
    only: { type: 'string', multiple: true, default: [] },
    slice: { type: 'string', default: '1/1' },
    cache: { type: 'string', default: join(tmpdir(), 'catwalk-corpus') },
    'data-dir': { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})

const TARGET = 0.98
const ANALYSIS_LIMIT_MS = 300_000
const DEPLOY_LIMIT_MS = 300_000
const REMOVAL_LIMIT_MS = 60_000
const LIST_LIMIT_MS = 60_000
const ASK_AGAIN_MS = 200

type Deployment = RouteOutput<'getDeployment'>

interface Outcome {
  readonly name: string
  readonly ok: boolean
  /** How far it came. */
  readonly stage: 'analyse' | 'deploy' | 'list' | 'done'
  /** In words, why not, or what is remarkable; null when it simply lists what it should. */
  readonly reason: string | null
  readonly analyseMs: number
  readonly deployMs: number
  readonly listMs: number
  readonly tools: number
  readonly lastLines: readonly string[]
}

/** A release that failed, with what its server said. */
class ReleaseFailed extends Error {
  readonly lastLines: readonly string[]

  constructor({ error, message, lastLines }: NonNullable<Deployment['release']['error']>) {
    super(`${error}: ${message}`)
    this.name = 'ReleaseFailed'
    this.lastLines = lastLines.map(({ stream, line }) => `${stream}: ${line.slice(0, 300)}`)
  }
}

async function tryServer(api: ApiClient, github: FakeGithub, server: CorpusServer): Promise<Outcome> {
  const took = { analyse: 0, deploy: 0, list: 0 }
  let stage: keyof typeof took = 'analyse'
  let deployment: Deployment | null = null
  const timed = async <T>(name: keyof typeof took, work: Promise<T>): Promise<T> => {
    stage = name
    const begun = performance.now()
    try {
      return await work
    } finally {
      took[name] += Math.round(performance.now() - begun)
    }
  }
  const outcome = (
    ok: boolean,
    reason: string | null,
    listed: readonly string[],
    lastLines: readonly string[] = [],
  ): Outcome => ({
    name: server.name,
    ok,
    stage: ok ? 'done' : stage,
    reason,
    analyseMs: took.analyse,
    deployMs: took.deploy,
    listMs: took.list,
    tools: listed.length,
    lastLines,
  })
  const expected = server.tools ?? []
  try {
    const [owner, repository] = repositoryOf(server)
    const files = await unpackedPackage(values.cache, server.name, server.version)
    github.publish({ name: `${owner}/${repository}`, files })
    const body = { source: `https://github.com/${owner}/${repository}`, fresh: true, boot: true }
    const analysis = await timed(
      'analyse',
      api.call('createAnalysis', { body }, AbortSignal.timeout(ANALYSIS_LIMIT_MS)),
    )
    const created = await timed('deploy', create(api, wishOf(server, analysis)))
    deployment = created.deployment
    await timed('deploy', serving(api, deployment.id))
    const listed = await timed('list', listTools(deployment.endpoint, created.token.secret))
    const difference = differenceOf(expected, listed)
    const note = created.withoutSome === null ? null : `deployed without ${created.withoutSome}`
    if (difference === null) return outcome(true, note, listed)
    const tried = analysis.tools.map(({ name }) => name)
    return isNamedAnew(expected, listed, tried)
      ? outcome(true, 'names its tools anew at each start', listed)
      : outcome(false, difference, listed)
  } catch (error) {
    // By hand it answered tools/list with an error as well, because it asks a service for its tools.
    const asByHand =
      error instanceof ReleaseFailed && error.message.startsWith('server_refused') && expected.length === 0
    return outcome(asByHand, reasonOf(error), [], error instanceof ReleaseFailed ? error.lastLines : [])
  } finally {
    if (deployment !== null) await remove(api, deployment.id)
  }
}

/** Deploys; what is asked for although it ran by hand without is left out, as a person may choose to, and named. */
async function create(api: ApiClient, wish: ReturnType<typeof wishOf>) {
  try {
    return { ...(await api.call('createDeployment', { body: wish })), withoutSome: null }
  } catch (error) {
    if (!(error instanceof ApiError) || error.body.error !== 'missing_variable') throw error
    const body = { ...wish, allowMissing: true }
    const missing: unknown = error.body.details?.['missing']
    return {
      ...(await api.call('createDeployment', { body })),
      withoutSome: Array.isArray(missing) ? missing.join('; ') : 'what is required',
    }
  }
}

/** Waits until it serves. @throws ReleaseFailed */
async function serving(api: ApiClient, id: string): Promise<void> {
  const limit = AbortSignal.timeout(DEPLOY_LIMIT_MS)
  for (;;) {
    const { state, release } = await api.call('getDeployment', { params: { id } }, limit)
    if (release.error !== null) throw new ReleaseFailed(release.error)
    if (release.state === 'live' && (state === 'running' || state === 'sleeping')) return
    await delay(ASK_AGAIN_MS, undefined, { signal: limit })
  }
}

/** What the bench reads of a list; what a server writes against the schema is between it and its clients. */
const LIST = z.looseObject({
  tools: z.array(z.looseObject({ name: z.string() })),
  nextCursor: z.string().optional(),
})

/** The names of all tools, as the endpoint lists them to the official client. */
async function listTools(endpoint: string, token: string): Promise<string[]> {
  await using client = await connectWhenOpen(endpoint, token)
  const names: string[] = []
  let cursor: string | undefined
  do {
    const params = cursor === undefined ? {} : { cursor }
    const page = await client.request({ method: 'tools/list', params }, LIST, { timeout: LIST_LIMIT_MS })
    names.push(...page.tools.map(({ name }) => name))
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return names
}

/** Deletes it and waits until nothing of it runs, so that it does not disturb the next one. */
async function remove(api: ApiClient, id: string): Promise<void> {
  const limit = AbortSignal.timeout(REMOVAL_LIMIT_MS)
  await api.call('deleteDeployment', { params: { id } }, limit)
  for (;;) {
    const found = await api.call('getDeployment', { params: { id } }, limit).catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 404) return null
      throw error
    })
    if (found === null) return
    await delay(ASK_AGAIN_MS, undefined, { signal: limit })
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof ApiError) return `${error.body.error}: ${error.message}`
  return error instanceof Error ? error.message : String(error)
}

function describe({
  name,
  ok,
  stage,
  reason,
  analyseMs,
  deployMs,
  listMs,
  tools,
  lastLines,
}: Outcome): string {
  const figures = [analyseMs, deployMs, listMs].map((ms) => String(ms).padStart(7)).join(' ')
  const why = [...(ok ? [] : [`[${stage}]`]), ...(reason === null ? [] : [reason])].join(' ')
  const lines = ok ? [] : lastLines.map((line) => `      ${line}\n`)
  return `${ok ? '✓' : '✗'} ${name.padEnd(44)} ${figures} ${String(tools).padStart(4)}  ${why}\n${lines.join('')}`
}

if (values.corpus === undefined) throw new Error('Which corpus? --corpus PATH')
const [part = 1, parts = 1] = values.slice.split('/').map(Number)
const able = (await loadCorpus(values.corpus, values.only)).filter(
  (server) => server.isMcpServer && server.answersWithDocumentedConfig,
)
const chosen = able.filter((_, position) => position % parts === part - 1)
const progress = values.json ? process.stderr : process.stdout
const outcomes: Outcome[] = []
// What was measured until then is told when it is interrupted.
let isInterrupted = false
process.once('SIGINT', () => {
  isInterrupted = true
})
await mkdir(values.cache, { recursive: true })
{
  await using github = await startGithub()
  await using program = await startProgram({
    env: { CATWALK_GITHUB_API_URL: github.url },
    ...(values['data-dir'] === undefined ? {} : { dataDir: values['data-dir'] }),
  })
  const api = await apiOf(program)
  for (const server of chosen) {
    if (isInterrupted) break
    const outcome = await tryServer(api, github, server)
    outcomes.push(outcome)
    progress.write(`${`${outcomes.length}/${chosen.length}`.padStart(7)} ${describe(outcome)}`)
  }
}
const good = outcomes.filter(({ ok }) => ok).length
const share = outcomes.length === 0 ? 1 : good / outcomes.length
process.stdout.write(
  values.json
    ? `${JSON.stringify({ servers: outcomes.length, good, share, target: TARGET, outcomes }, null, 2)}\n`
    : `${good} of ${outcomes.length} (${(share * 100).toFixed(1)} %; target ${TARGET * 100} %); analysis, deployment and tools/list in ms, tools\n`,
)
