import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Secret } from '../../src/domain/index.ts'
import {
  createMasterKeys,
  createSealer,
  loadKeyRing,
  parseKeyRing,
  type KeyCheck,
  type KeyCheckStore,
} from '../../src/vault/index.ts'
import { catwalkErrorOf } from '../support/errors.ts'

let dataDir: string
beforeEach(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'catwalk-vault-'))
})
afterEach(() => rm(dataDir, { recursive: true, force: true }))

const now = new Date('2026-11-22T12:00:00Z')
const keys = Array.from({ length: 2 }, (_, index) => Buffer.alloc(32, index + 1).toString('base64'))
const [first = '', second = ''] = keys

interface MemoryStore extends KeyCheckStore {
  /** Key ids that something is under. */
  inUse: string[]
  check: KeyCheck | null
}

function memoryStore(): MemoryStore {
  const store: MemoryStore = {
    inUse: [],
    check: null,
    countByKey: async () => new Map(store.inUse.map((id) => [id, 3])),
    readKeyCheck: async () => store.check,
    async saveKeyCheck(check) {
      store.check = check
    },
  }
  return store
}

function load(store: KeyCheckStore, masterKey: string | null = null) {
  return loadKeyRing({ dataDir, masterKey: masterKey === null ? null : new Secret(masterKey), store, now })
}

test('the first start makes a key that only its owner can read, and later starts use it', async () => {
  const store = memoryStore()
  const ring = await load(store)
  store.inUse = [ring.newest.id]
  expect((await stat(path.join(dataDir, 'master.key'))).mode & 0o777).toBe(0o600)
  expect(await readdir(dataDir)).toEqual(['master.key'])
  expect((await load(store)).newest.id).toBe(ring.newest.id)
})

test('a key file that others can read is refused, with the fix', async () => {
  await load(memoryStore())
  const file = path.join(dataDir, 'master.key')
  await chmod(file, 0o640)
  const error = await catwalkErrorOf(load(memoryStore()))
  expect(error.code).toBe('config_invalid')
  expect(error.help).toContain(`chmod 600 ${file}`)
})

test('a lost key is not replaced while anything is encrypted under it', async () => {
  const store = memoryStore()
  store.inUse = [(await load(store)).newest.id]
  await rm(path.join(dataDir, 'master.key'))
  await expect(load(store)).rejects.toMatchObject({ code: 'master_key_missing' })
  expect(await readdir(dataDir)).toEqual([])
})

test('a wrong key is noticed before it is used; no error shows a key', async () => {
  const store = memoryStore()
  store.inUse = [(await load(store, first)).newest.id]
  const before = { ...store.check }
  const error: unknown = await load(store, second).catch((cause: unknown) => cause)
  expect(error).toMatchObject({ code: 'master_key_wrong' })
  expect(String(error)).toContain(store.inUse[0])
  expect(JSON.stringify(error) + String(error)).not.toContain(second)
  expect(store.check).toEqual(before)
})

test('a key check that was tampered with does not pass for another key', async () => {
  const store = memoryStore()
  store.inUse = [(await load(store, first)).newest.id]
  const other = memoryStore()
  const ring = await load(other, second)
  store.check = { keyId: ring.newest.id, token: store.check?.token ?? '' }
  await expect(load(store, second)).rejects.toMatchObject({ code: 'master_key_wrong' })
})

test('a ring with the old key behind a new one fits, and opens what the old one closed', async () => {
  const store = memoryStore()
  const old = await load(store, first)
  const sealed = createSealer(() => old).encrypt('s', new Secret('kept'))
  store.inUse = [sealed.keyId]
  const ring = await load(store, `${second},${first}`)
  const opened = createSealer(() => ring).decrypt('s', sealed.token, sealed.keyId)
  expect(opened.reveal()).toBe('kept')
})

test('another key is welcome while nothing is encrypted', async () => {
  const store = memoryStore()
  await load(store, first)
  const ring = await load(store, second)
  expect(store.check?.keyId).toBe(ring.newest.id)
})

test('keys on several lines of the file are a ring, the newest first', async () => {
  await writeFile(path.join(dataDir, 'master.key'), `${second}\n${first}\n`, { mode: 0o600 })
  const ring = await load(memoryStore())
  expect(ring.keys.size).toBe(2)
  expect([...ring.keys.keys()][0]).toBe(ring.newest.id)
})

test('two programs that start at once use one key', async () => {
  const rings = await Promise.all(Array.from({ length: 8 }, () => load(memoryStore())))
  expect(new Set(rings.map((ring) => ring.newest.id)).size).toBe(1)
  expect((await readFile(path.join(dataDir, 'master.key'), 'utf8')).trim().split('\n')).toHaveLength(1)
})

test('a ring that lacks one of the keys in use is refused, and the key that is missing is named', async () => {
  const store = memoryStore()
  const old = await load(store, first)
  store.inUse = [old.newest.id, parseKeyRing(second, 'test').newest.id]
  const error = await catwalkErrorOf(load(store, second))
  expect(error.code).toBe('master_key_incomplete')
  expect(error.message).toContain(`${old.newest.id} (3 secrets)`)
})

test('a key that is added encrypts at once and is in the file first; a retired one is gone from it', async () => {
  const store = memoryStore()
  const ring = await load(store)
  const masterKeys = createMasterKeys('file', ring, dataDir)
  const added = await masterKeys.add()
  expect(createSealer(() => masterKeys.ring()).encrypt('s', new Secret('x')).keyId).toBe(added)
  expect([...(await load(store)).keys.keys()]).toEqual([added, ring.newest.id])
  await masterKeys.retire(ring.newest.id)
  expect([...masterKeys.ring().keys.keys()]).toEqual([added])
  expect([...(await load(store)).keys.keys()]).toEqual([added])
  expect((await stat(path.join(dataDir, 'master.key'))).mode & 0o777).toBe(0o600)
  expect(await readdir(dataDir)).toEqual(['master.key'])
})

test('keys added at the same moment are all kept', async () => {
  const masterKeys = createMasterKeys('file', await load(memoryStore()), dataDir)
  await Promise.all(Array.from({ length: 5 }, () => masterKeys.add()))
  expect((await load(memoryStore())).keys.size).toBe(6)
})

test('the newest key is not retired, and keys of the environment are left to whoever sets it', async () => {
  const ring = await load(memoryStore())
  const masterKeys = createMasterKeys('file', ring, dataDir)
  expect((await catwalkErrorOf(masterKeys.retire(ring.newest.id))).code).toBe('key_in_use')
  expect((await catwalkErrorOf(masterKeys.retire('k000000000000'))).code).toBe('key_not_found')
  const fixed = createMasterKeys('environment', ring, dataDir)
  expect((await catwalkErrorOf(fixed.add())).code).toBe('keys_from_environment')
})
