import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { createSetUpLinks, ensureWorkspace } from '../../src/auth/index.ts'
import { makeOwner, openAccounts, owner, tokenOf, type Accounts } from './support.ts'

async function owners({ database }: Accounts) {
  return database.kysely.selectFrom('members').selectAll().where('role', '=', 'owner').execute()
}

async function counts({ database }: Accounts) {
  const count = async (table: 'users' | 'accounts' | 'members') =>
    (await database.kysely.selectFrom(table).selectAll().execute()).length
  return { users: await count('users'), accounts: await count('accounts'), members: await count('members') }
}

describe('a set-up link', () => {
  test('carries its token in the fragment, which no server and no log sees', async () => {
    await using accounts = await openAccounts()
    const { url, expiresAt } = await accounts.setUpLinks.issue(null)
    expect(`${url.origin}${url.pathname}${url.search}`).toBe('http://localhost:7420/setup')
    expect(tokenOf(url)).toMatch(/^[\w-]{43}$/)
    expect(expiresAt.getTime() - accounts.clock.now().getTime()).toBe(30 * 60_000)
  })

  test('is stored as a hash only', async () => {
    await using accounts = await openAccounts()
    const { url } = await accounts.setUpLinks.issue(null)
    const settings = await accounts.database.kysely.selectFrom('settings').selectAll().execute()
    expect(JSON.stringify(settings)).toContain('setup_link')
    expect(JSON.stringify(settings)).not.toContain(tokenOf(url))
  })

  test('makes the owner of the first workspace, and an audit entry', async () => {
    await using accounts = await openAccounts()
    expect(await accounts.setUpLinks.needed()).toBe(true)
    const actor = await makeOwner(accounts)
    expect(actor).toMatchObject({
      kind: 'user',
      label: 'ada@example.com',
      role: 'owner',
      address: '192.0.2.1',
    })
    expect(await owners(accounts)).toMatchObject([{ workspace_id: accounts.workspaceId, user_id: actor.id }])
    expect(await accounts.setUpLinks.needed()).toBe(false)
    const audit = await accounts.database.kysely.selectFrom('audit_entries').selectAll().execute()
    expect(audit).toMatchObject([{ action: 'owner.create', actor_id: actor.id, target: actor.id }])
    expect(JSON.stringify(audit)).not.toContain(owner.password)
  })

  test('works once', async () => {
    await using accounts = await openAccounts()
    const { url } = await accounts.setUpLinks.issue(null)
    const input = { token: tokenOf(url), ...owner }
    await accounts.setUpLinks.redeem(input, null)
    await expect(accounts.setUpLinks.redeem(input, null)).rejects.toMatchObject({ code: 'setup_done' })
  })

  test('dies after 30 minutes', async () => {
    await using accounts = await openAccounts()
    const { url } = await accounts.setUpLinks.issue(null)
    accounts.clock.advance(30 * 60_000)
    await expect(accounts.setUpLinks.redeem({ token: tokenOf(url), ...owner }, null)).rejects.toMatchObject({
      code: 'setup_link_invalid',
    })
    expect(await counts(accounts)).toEqual({ users: 0, accounts: 0, members: 0 })
  })

  test('dies when a new one is made', async () => {
    await using accounts = await openAccounts()
    const old = await accounts.setUpLinks.issue(null)
    const current = await accounts.setUpLinks.issue(null)
    await expect(
      accounts.setUpLinks.redeem({ token: tokenOf(old.url), ...owner }, null),
    ).rejects.toMatchObject({
      code: 'setup_link_invalid',
    })
    await accounts.setUpLinks.redeem({ token: tokenOf(current.url), ...owner }, null)
  })

  test('does not work with a wrong or an empty token, nor when there is none', async () => {
    await using accounts = await openAccounts()
    const refused = { code: 'setup_link_invalid' }
    await expect(accounts.setUpLinks.redeem({ token: 'x', ...owner }, null)).rejects.toMatchObject(refused)
    await accounts.setUpLinks.issue(null)
    for (const token of ['', 'x', 'x'.repeat(43)]) {
      await expect(accounts.setUpLinks.redeem({ token, ...owner }, null)).rejects.toMatchObject(refused)
    }
  })

  test('cannot be made once there is an owner', async () => {
    await using accounts = await openAccounts()
    const actor = await makeOwner(accounts)
    for (const by of [null, actor]) {
      await expect(accounts.setUpLinks.issue(by)).rejects.toMatchObject({ code: 'setup_done' })
    }
  })

  test('used by many at once makes one owner', async () => {
    await using accounts = await openAccounts()
    const { url } = await accounts.setUpLinks.issue(null)
    // A second program on the same database, as a replica is.
    const replica = createSetUpLinks({ ...accounts, database: accounts.database.kysely, publicUrl: url })
    const attempts = [1, 2, 3, 4, 5, 6].map((n) =>
      (n % 2 === 0 ? replica : accounts.setUpLinks).redeem(
        { token: tokenOf(url), ...owner, email: `p${n}@example.com` },
        null,
      ),
    )
    const results = await Promise.allSettled(attempts)
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const refusals = results.flatMap((result): unknown[] =>
      result.status === 'rejected' ? [result.reason] : [],
    )
    expect(refusals).toMatchObject(Array.from({ length: 5 }, () => ({ code: 'setup_done' })))
    expect(await counts(accounts)).toEqual({ users: 1, accounts: 1, members: 1 })
  })

  test('made again and again while another is used never leaves a second owner or a live link', async () => {
    await using accounts = await openAccounts()
    const first = await accounts.setUpLinks.issue(null)
    const results = await Promise.allSettled([
      accounts.setUpLinks.redeem({ token: tokenOf(first.url), ...owner }, null),
      accounts.setUpLinks.issue(null),
      accounts.setUpLinks.issue(null),
    ])
    const links = results.flatMap((result) =>
      result.status === 'fulfilled' && 'url' in result.value ? [result.value.url] : [],
    )
    const again = await Promise.allSettled(
      links.map((url, n) =>
        accounts.setUpLinks.redeem({ token: tokenOf(url), ...owner, email: `q${n}@example.com` }, null),
      ),
    )
    const made = [...results.slice(0, 1), ...again].filter(({ status }) => status === 'fulfilled')
    expect(made).toHaveLength(1)
    expect(await owners(accounts)).toHaveLength(1)
  })

  test('is not used up when the owner cannot be made', async () => {
    await using accounts = await openAccounts()
    const { url } = await accounts.setUpLinks.issue(null)
    const input = { token: tokenOf(url), ...owner }
    const { kysely } = accounts.database
    // The last row of the three cannot be written, as if the program died before it.
    await sql`alter table members add constraint broken check (false) not valid`.execute(kysely)
    await expect(accounts.setUpLinks.redeem(input, null)).rejects.toThrow('broken')
    await sql`alter table members drop constraint broken`.execute(kysely)
    expect(await counts(accounts)).toEqual({ users: 0, accounts: 0, members: 0 })
    await accounts.setUpLinks.redeem(input, null)
    expect(await owners(accounts)).toHaveLength(1)
  })
})

test('programs that start together make one workspace', async () => {
  await using accounts = await openAccounts()
  await accounts.database.kysely.deleteFrom('workspaces').execute()
  const ids = await Promise.all([1, 2, 3, 4].map(() => ensureWorkspace(accounts.database.kysely)))
  expect(new Set(ids).size).toBe(1)
  expect(await accounts.database.kysely.selectFrom('workspaces').selectAll().execute()).toHaveLength(1)
})
