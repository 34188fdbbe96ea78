import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startNpmRegistry, type NpmRegistry } from '../fakes/npm-registry.ts'
import { openTestDatabase } from '../support/database.ts'
import { connectClient } from '../support/mcp-client.ts'
import { apiOf, startProgram, type Program } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { until } from '../support/until.ts'
import { SELF } from './self-package.ts'

/** Debian's, which the set-up of these tests brings. */
const FAKETIME = `/usr/$LIB/faketime/libfaketimeMT.so.1`
const HOUR_MS = 3_600_000

let registry: NpmRegistry
beforeAll(async () => {
  registry = await startNpmRegistry([SELF])
})
afterAll(() => registry[Symbol.asyncDispose]())

/** How far the program's clock is from ours, in hours. */
async function hoursAhead({ origin }: Program): Promise<number> {
  const date = (await fetch(`${origin}/healthz`)).headers.get('date') ?? ''
  return Math.round((Date.parse(date) - Date.now()) / HOUR_MS)
}

test('when the clock of the machine jumps hours ahead and back again, the same process answers, leases are held and nobody is turned away', async () => {
  await using database = await openTestDatabase()
  await using directory = await temporaryDirectory()
  const clock = join(directory.path, 'clock')
  await writeFile(clock, '+0')
  await using program = await startProgram({
    env: {
      DATABASE_URL: database.url.reveal(),
      npm_config_registry: registry.url,
      npm_config_userconfig: '/nonexistent',
      LD_PRELOAD: FAKETIME,
      FAKETIME_TIMESTAMP_FILE: clock,
      FAKETIME_NO_CACHE: '1',
      // A jump of the calendar: the clock that only goes on is another one.
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
  })
  const api = await apiOf(program)
  const { deployment, token } = await api.call('createDeployment', {
    body: { source: 'npm:self-mcp', network: 'none', name: 'steady', confirmWarnings: true },
  })
  const { id, slug } = deployment
  const who = async (secret = token.secret): Promise<string> => {
    await using client = await connectClient(`${program.origin}/mcp/${slug}`, secret)
    return JSON.stringify(await client.callTool({ name: 'whoami' }))
  }
  const self = await until('it answers', async () => who().catch(() => null), 60_000)
  await using client = await connectClient(`${program.origin}/mcp/${slug}`, token.secret)
  const lease = async () =>
    database.kysely
      .selectFrom('deployments')
      .select(['lease_holder', 'lease_epoch', 'lease_expires_at'])
      .where('id', '=', id)
      .executeTakeFirstOrThrow()

  const before = await lease()
  for (const hours of [30, -30]) {
    await writeFile(clock, `${hours < 0 ? '' : '+'}${hours}h`)
    await until('it has jumped', async () => ((await hoursAhead(program)) === hours ? true : null))
    // A session that there was, a new one, and one by a token that was made just now.
    expect(JSON.stringify(await client.callTool({ name: 'whoami' }))).toBe(self)
    expect(await who()).toBe(self)
    const made = await api.call('createToken', { params: { id }, body: { name: `at ${hours}` } })
    await until('the new token opens', async () =>
      who(made.secret).then(
        (found) => (found === self ? true : null),
        () => null,
      ),
    )
  }
  const { lease_expires_at: last } = await lease()
  const renewed = await until('the lease is renewed', async () => {
    const now = await lease()
    return Number(now.lease_expires_at) > Number(last) ? now : null
  })
  expect([renewed.lease_holder, renewed.lease_epoch]).toEqual([before.lease_holder, before.lease_epoch])
  const { items } = await api.call('listEvents', { params: { id } })
  expect(items.filter(({ kind }) => kind === 'instance.ended')).toEqual([])
  await program.stop()
})
