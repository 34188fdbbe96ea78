import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { sql } from 'kysely'
import { ensureLocalKey } from '../../src/auth/index.ts'
import { cookieHeader, makeOwner, openAccounts, owner, type Accounts } from './support.ts'

interface Local extends AsyncDisposable {
  readonly accounts: Accounts
  readonly dataDir: string
  readonly path: string
  ensure(): Promise<void>
  key(): Promise<string>
}

async function openLocal(): Promise<Local> {
  const accounts = await openAccounts()
  const dataDir = await mkdtemp(join(tmpdir(), 'catwalk-key-'))
  const path = join(dataDir, 'cli.key')
  return {
    accounts,
    dataDir,
    path,
    ensure: () =>
      ensureLocalKey({ database: accounts.database.kysely, dataDir, workspaceId: accounts.workspaceId }),
    key: async () => (await readFile(path, 'utf8')).trim(),
    async [Symbol.asyncDispose]() {
      await accounts[Symbol.asyncDispose]()
      await rm(dataDir, { recursive: true })
    },
  }
}

function bearer(key: string): Headers {
  return new Headers({ authorization: `Bearer ${key}` })
}

describe('an API key', () => {
  test('signs in as what it is', async () => {
    await using local = await openLocal()
    await local.ensure()
    const signedIn = await local.accounts.auth.authenticate(bearer(await local.key()), '192.0.2.1')
    expect(signedIn).toMatchObject({
      actor: {
        kind: 'api_key',
        role: 'owner',
        workspaceId: local.accounts.workspaceId,
        address: '192.0.2.1',
      },
      by: 'api_key',
      cookies: [],
    })
    expect(signedIn?.actor.id).toMatch(/^key_/)
  })

  test('has a workspace and no person', async () => {
    await using local = await openLocal()
    await local.ensure()
    const signedIn = await local.accounts.auth.authenticate(bearer(await local.key()), null)
    if (signedIn === null) throw new Error('The key does not work.')
    expect(await local.accounts.auth.profileOf(signedIn.actor)).toMatchObject({ user: null, role: 'owner' })
  })

  test('that has expired signs nobody in', async () => {
    await using local = await openLocal()
    await local.ensure()
    const { kysely } = local.accounts.database
    await kysely
      .updateTable('api_keys')
      .set({ expires_at: sql<Date>`now() - interval '1 second'` })
      .execute()
    expect(await local.accounts.auth.authenticate(bearer(await local.key()), null)).toBeNull()
  })

  test('that is wrong signs nobody in, even beside a good cookie', async () => {
    await using local = await openLocal()
    await local.ensure()
    await makeOwner(local.accounts)
    const cookie = cookieHeader(await local.accounts.auth.signIn(owner, new Headers(), null))
    const key = await local.key()
    const last = key.at(-1) === 'A' ? 'B' : 'A'
    const wrong = [
      `Bearer ${key.slice(0, -1)}${last}`,
      `Bearer ${key}x`,
      `Basic ${key}`,
      key,
      'Bearer',
      'Bearer cwk_',
      '',
    ]
    for (const authorization of wrong) {
      expect(await local.accounts.auth.authenticate(new Headers({ authorization, cookie }), null)).toBeNull()
    }
    expect(await local.accounts.auth.authenticate(new Headers({ cookie }), null)).not.toBeNull()
  })

  test('notes its use at most once a minute', async () => {
    await using local = await openLocal()
    await local.ensure()
    const { kysely } = local.accounts.database
    const used = async () =>
      (await kysely.selectFrom('api_keys').select('last_used_at').execute())[0]?.last_used_at
    expect(await used()).toBeNull()
    await local.accounts.auth.authenticate(bearer(await local.key()), null)
    const first = await used()
    expect(first).toBeInstanceOf(Date)
    await local.accounts.auth.authenticate(bearer(await local.key()), null)
    expect(await used()).toEqual(first)
    await kysely
      .updateTable('api_keys')
      .set({ last_used_at: sql<Date>`now() - interval '2 minutes'` })
      .execute()
    await local.accounts.auth.authenticate(bearer(await local.key()), null)
    expect((await used())?.getTime()).toBeGreaterThanOrEqual(first?.getTime() ?? Infinity)
  })
})

describe('the key of the command line', () => {
  test('is a file that only its owner may read', async () => {
    await using local = await openLocal()
    await local.ensure()
    expect((await stat(local.path)).mode & 0o777).toBe(0o600)
    expect(await local.key()).toMatch(/^cwk_[\w-]{43}$/)
  })

  test('stays the same over restarts, and its mode is put right', async () => {
    await using local = await openLocal()
    await local.ensure()
    const key = await local.key()
    await chmod(local.path, 0o644)
    await local.ensure()
    expect(await local.key()).toBe(key)
    expect((await stat(local.path)).mode & 0o777).toBe(0o600)
  })

  test('is made anew when the file is gone, and the lost one dies', async () => {
    await using local = await openLocal()
    await local.ensure()
    const lost = await local.key()
    await rm(local.path)
    await local.ensure()
    expect(await local.accounts.auth.authenticate(bearer(lost), null)).toBeNull()
    expect(await local.accounts.auth.authenticate(bearer(await local.key()), null)).not.toBeNull()
  })

  test.each(['', 'rubbish\n', 'cwk_short', `cwk_${'A'.repeat(43)}`])(
    'is made anew when the file says %j',
    async (content) => {
      await using local = await openLocal()
      await writeFile(local.path, content, { mode: 0o644 })
      await local.ensure()
      expect(await local.accounts.auth.authenticate(bearer(await local.key()), null)).not.toBeNull()
      expect((await stat(local.path)).mode & 0o777).toBe(0o600)
    },
  )

  test('is made anew when the database does not know it', async () => {
    await using local = await openLocal()
    await local.ensure()
    await local.accounts.database.kysely.deleteFrom('api_keys').execute()
    await local.ensure()
    expect(await local.accounts.auth.authenticate(bearer(await local.key()), null)).not.toBeNull()
  })

  test('of another data directory on the same database is left alone', async () => {
    await using local = await openLocal()
    await local.ensure()
    const other = await mkdtemp(join(tmpdir(), 'catwalk-key-'))
    const { database, workspaceId, auth } = local.accounts
    await ensureLocalKey({ database: database.kysely, dataDir: other, workspaceId })
    await rm(join(other, 'cli.key'))
    await ensureLocalKey({ database: database.kysely, dataDir: other, workspaceId })
    await rm(other, { recursive: true })
    expect(await auth.authenticate(bearer(await local.key()), null)).not.toBeNull()
  })
})
