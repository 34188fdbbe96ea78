import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApiClient, type ApiClient, type RouteOutput } from '../../src/contract/index.ts'
import { startNpmRegistry, type NpmRegistry } from '../fakes/npm-registry.ts'
import { startProgram, type Program } from '../support/program.ts'
import { until } from '../support/until.ts'
import { serverPackage, toolsNamed } from '../support/server-package.ts'

const SECONDS = 10
const LINES_PER_SECOND = 100_000
/**
 * What the program may grow by in the flood. All of its lines, kept as the objects that they become, are 300 MiB; lines
 * that are garbage already and not collected yet are up to 170 on a machine that has much else to do.
 */
const GROWTH_MIB = 200

// Answers the handshake and one tool, which returns at once and floods standard error from then on.
const CHATTY = serverPackage('chatty-server', {
  begin: `
const text = 'x'.repeat(80)
function flood(seconds, rate) {
  let written = 0
  const begin = performance.now()
  const timer = setInterval(() => {
    const elapsed = (performance.now() - begin) / 1000
    const due = Math.min(seconds * rate, Math.floor(elapsed * rate))
    // Slower than the rate when nobody reads so fast; at most a second's lines at once.
    const until = Math.min(due, written + rate)
    let lines = ''
    while (written < until) lines += 'line ' + ++written + ' ' + text + '\\n'
    process.stderr.write(lines)
    if (written < seconds * rate) return
    clearInterval(timer)
    process.stderr.write('wrote ' + written + ' lines in ' + Math.round(performance.now() - begin) + ' ms\\n')
  }, 10)
}
`,
  answers: `
  'tools/list': ${toolsNamed('flood', 'quiet')},
  'tools/call': ({ name, arguments: given }) => {
    if (name === 'flood') flood(given.seconds, given.rate)
    return { content: [{ type: 'text', text: 'ok' }] }
  },
`,
})

let registry: NpmRegistry
let program: Program
let api: ApiClient

beforeAll(async () => {
  registry = await startNpmRegistry([CHATTY])
  program = await startProgram({
    env: {
      npm_config_registry: registry.url,
      CATWALK_API_USER_REQUESTS_PER_MINUTE: '0',
      CATWALK_IDLE_TIMEOUT_S: '0',
    },
  })
  const apiKey = (await readFile(join(program.dataDir, 'cli.key'), 'utf8')).trim()
  api = createApiClient({ origin: program.origin, apiKey })
})
afterAll(async () => {
  await program[Symbol.asyncDispose]()
  await registry[Symbol.asyncDispose]()
})

async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024
}

type LogLine = RouteOutput<'listLogs'>['items'][number]

/** Every line that is kept, oldest first. */
async function wholeLog(id: string): Promise<readonly LogLine[]> {
  const lines: LogLine[] = []
  for (;;) {
    const after = lines.at(-1)?.id ?? '0'
    const { items } = await api.call('listLogs', { params: { id }, query: { after, limit: 1000 } })
    lines.push(...items)
    if (items.length < 1000) return lines
  }
}

test('a server that prints 100,000 lines a second for ten seconds costs bounded memory, loses only what the log says, and is answered all the while', async () => {
  const { deployment } = await api.call('createDeployment', {
    body: { source: 'npm:chatty-server', confirmWarnings: true },
  })
  const { id } = deployment
  await until('it runs', async () => {
    const { state } = await api.call('getDeployment', { params: { id } })
    return state === 'running' ? state : null
  })
  const call = (tool: string, args: Record<string, unknown> = {}) =>
    api.call('callTool', { params: { id }, body: { tool, arguments: args } })
  // So that what the first calls and lines cost is there already.
  await call('flood', { seconds: 0.1, rate: 1000 })
  await until('the log is written', async () => {
    const { items } = await api.call('listLogs', { params: { id }, query: { search: 'wrote 100 lines' } })
    return items[0] ?? null
  })
  const before = await residentMiB(program.pid)
  const warmUp = (await wholeLog(id)).length

  await call('flood', { seconds: SECONDS, rate: LINES_PER_SECOND })
  let highest = before
  let answered = 0
  await until(
    'the flood is over',
    async () => {
      highest = Math.max(highest, await residentMiB(program.pid))
      await call('quiet')
      answered++
      const { items } = await api.call('listLogs', {
        params: { id },
        query: { search: 'lines in', limit: 1 },
      })
      return items.find(({ line }) => line.startsWith(`wrote ${SECONDS * LINES_PER_SECOND} lines`)) ?? null
    },
    240_000,
  )

  const lines = (await wholeLog(id)).slice(warmUp)
  const kept = lines.filter(({ line }) => line.startsWith('line ')).length
  const notes = lines.flatMap(
    ({ line }) => /^… ([\d,]+) lines? w(?:as|ere) left out\.$/.exec(line)?.[1] ?? [],
  )
  const leftOut = notes.reduce((sum, count) => sum + Number(count.replaceAll(',', '')), 0)
  expect(kept + leftOut).toBe(SECONDS * LINES_PER_SECOND)
  expect(kept).toBeGreaterThan(100)
  expect(leftOut).toBeGreaterThan(0)
  expect(answered).toBeGreaterThan(0)
  expect(highest - before).toBeLessThan(GROWTH_MIB)
})
