import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PACKAGES } from '../program/packages.ts'
import { startAbusedProgram, type AbusedProgram } from './abused-program.ts'
import { MIB, untilGivenBack } from './abused.ts'
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

let program: AbusedProgram
let endpoint: URL
let token: string

beforeAll(async () => {
  program = await startAbusedProgram(PACKAGES, 'npm:good-server', {
    CATWALK_TOKEN_REQUESTS_PER_MINUTE: String(PER_MINUTE),
    CATWALK_ADDRESS_REQUESTS_PER_MINUTE: '0',
  })
  endpoint = new URL(program.endpoint)
  token = program.token
})
afterAll(() => program[Symbol.asyncDispose]())

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
    const before = await program.memory()
    const { statuses, withRetryAfter } = await flood(bearer(), FLOOD_MS)
    const after = await untilGivenBack(program, before, HELD_BYTES)
    const refused = statuses.get('429') ?? 0
    expect(refused).toBeGreaterThan(20_000)
    expect(withRetryAfter).toBe(refused)
    expect([...statuses.keys()].filter((status) => status !== '429' && status !== passed)).toEqual([])
    expect(statuses.get(passed) ?? 0).toBeLessThan(PER_MINUTE)
    expect(after.rss - before.rss).toBeLessThan(NURSERY_BYTES + ALLOCATOR_BYTES)
  },
)
