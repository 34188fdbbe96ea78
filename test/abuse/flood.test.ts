import { once } from 'node:events'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startNpmRegistry } from '../fakes/npm-registry.ts'
import { PACKAGES } from '../program/packages.ts'
import { runCatwalk } from '../program/run-catwalk.ts'
import { startProgram, type Program } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { until } from '../support/until.ts'
import { MIB, type Memory } from './abused.ts'
import { httpPost } from './raw-http.ts'

const FLOOD_MS = 10_000
const CONNECTIONS = 16
const AT_ONCE = 16
const PER_MINUTE = 600
const BODY = '{"jsonrpc":"2.0","id":1,"method":"ping"}'
/**
 * What may still be referenced after tens of thousands of refusals. Something kept of each, be it an entry in a map or
 * a line that waits to be written, is a hundred bytes at least, and thereby many times as much.
 */
const HELD_BYTES = 2 * MIB
/** V8 makes its nursery larger under load, once: three spaces of 16 MiB each. Beyond that the process must not grow. */
const NURSERY_BYTES = 48 * MIB
const ALLOCATOR_BYTES = 32 * MIB

let program: Program
let endpoint: URL
let token: string
let report: string
const stack = new AsyncDisposableStack()

beforeAll(async () => {
  const registry = stack.use(await startNpmRegistry(PACKAGES))
  report = join(stack.use(await temporaryDirectory()).path, 'memory.json')
  program = stack.use(
    await startProgram({
      env: {
        npm_config_registry: registry.url,
        npm_config_userconfig: '/nonexistent',
        CATWALK_TOKEN_REQUESTS_PER_MINUTE: String(PER_MINUTE),
        CATWALK_ADDRESS_REQUESTS_PER_MINUTE: '0',
        NODE_OPTIONS: `--import=${new URL('fixtures/tell-memory.ts', import.meta.url).href}`,
        MEMORY_REPORT: report,
      },
    }),
  )
  const { stdout } = await runCatwalk(program, ['deploy', 'npm:good-server', '--wait', '--json'])
  // Documented in docs/cli.md.
  const deployed = JSON.parse(stdout) as { endpoint: string; token: string }
  endpoint = new URL(deployed.endpoint)
  token = deployed.token
})
afterAll(() => stack.disposeAsync())

async function memory(): Promise<Memory> {
  rmSync(report, { force: true })
  process.kill(program.pid, 'SIGUSR2')
  await until('the program tells its memory', () => (existsSync(report) ? true : null))
  // Written by fixtures/tell-memory.ts.
  return JSON.parse(readFileSync(report, 'utf8')) as Memory
}

interface Answers {
  readonly statuses: ReadonlyMap<string, number>
  readonly withRetryAfter: number
}

/** Asks as fast as a client can: on connections that are kept, without waiting for one answer before the next request. */
async function flood(bearer: string, ms: number): Promise<Answers> {
  const batch = httpPost(endpoint.href, [`authorization: Bearer ${bearer}`], BODY).repeat(AT_ONCE)
  const end = performance.now() + ms
  const statuses = new Map<string, number>()
  let withRetryAfter = 0

  async function caller(): Promise<void> {
    const socket = connect(Number(endpoint.port), endpoint.hostname).setEncoding('latin1')
    await once(socket, 'connect')
    while (performance.now() < end) {
      let text = ''
      socket.write(batch)
      let answers: string[] = []
      while (answers.length < AT_ONCE) {
        const [part] = (await once(socket, 'data')) as [string]
        text += part
        answers = text.split('HTTP/1.1 ').slice(1)
      }
      for (const answer of answers) {
        const status = answer.slice(0, 3)
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
        if (/\r\nretry-after: [1-9]\d*\r\n/i.test(answer)) withRetryAfter++
      }
    }
    socket.destroy()
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, caller))
  return { statuses, withRetryAfter }
}

test.each([
  // A ping without a session is 400: that is what passes of a caller who may.
  ['of a caller over the limit', '400', (): string => token],
  ['of strangers', '401', (): string => 'not-a-token'],
] as const)(
  'a flood of 10 s %s gets 429 with when to come back, no more passes than the limit allows, and memory is flat',
  async (_who, passed, bearer) => {
    await flood(bearer(), FLOOD_MS / 4)
    const before = await memory()
    const { statuses, withRetryAfter } = await flood(bearer(), FLOOD_MS)
    const after = await memory()
    const refused = statuses.get('429') ?? 0
    expect(refused).toBeGreaterThan(20_000)
    expect(withRetryAfter).toBe(refused)
    expect([...statuses.keys()].filter((status) => status !== '429' && status !== passed)).toEqual([])
    expect(statuses.get(passed) ?? 0).toBeLessThan(PER_MINUTE)
    expect(after.held - before.held).toBeLessThan(HELD_BYTES)
    expect(after.rss - before.rss).toBeLessThan(NURSERY_BYTES + ALLOCATOR_BYTES)
  },
)
