import { expect, test } from 'vitest'
import { startNpmRegistry } from '../fakes/npm-registry.ts'
import { PACKAGES } from '../program/packages.ts'
import { runCatwalk } from '../program/run-catwalk.ts'
import { startProgram } from '../support/program.ts'
import { send } from '../bridge/http-client.ts'

const FLOOD_MS = 10_000

test('a flood of 10 s against a limit gets 429 with when to come back, and no call beyond the limit passes', async () => {
  await using registry = await startNpmRegistry(PACKAGES)
  await using program = await startProgram({
    env: {
      npm_config_registry: registry.url,
      npm_config_userconfig: '/nonexistent',
      CATWALK_TOKEN_REQUESTS_PER_MINUTE: '600',
      CATWALK_ADDRESS_REQUESTS_PER_MINUTE: '0',
    },
  })
  const { stdout } = await runCatwalk(program, ['deploy', 'npm:good-server', '--wait', '--json'])
  // Documented in docs/cli.md.
  const { endpoint, token } = JSON.parse(stdout) as { endpoint: string; token: string }
  const statuses = new Map<number, number>()
  let waits = 0
  async function flood(ms: number): Promise<void> {
    const until = performance.now() + ms
    const caller = async () => {
      while (performance.now() < until) {
        const answer = await send(
          endpoint,
          'POST',
          { authorization: `Bearer ${token}` },
          '{"jsonrpc":"2.0","id":1,"method":"ping"}',
        )
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
        if (Number(answer.headers['retry-after']) > 0) waits++
      }
    }
    await Promise.all(Array.from({ length: 32 }, caller))
  }
  await flood(FLOOD_MS)
  expect(statuses.get(429)).toBeGreaterThan(1000)
  expect(waits).toBe(statuses.get(429))
  // A ping without a session is 400; 600 at once and ten a second more are let through.
  expect(new Set(statuses.keys())).toEqual(new Set([400, 429]))
  expect(statuses.get(400)).toBeLessThan(1000)
})
