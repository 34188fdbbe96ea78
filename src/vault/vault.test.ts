import { assert, property, string } from 'fast-check'
import { expect, test } from 'vitest'
import { Secret } from '../domain/index.ts'
import { newMasterKey, parseKeyRing } from './key-ring.ts'
import { createSealer } from './sealer.ts'
import { createVault } from './vault.ts'

const oldKey = newMasterKey()
const newKey = newMasterKey()
function vaultOf(keys: string, root = 'a root secret') {
  const ring = parseKeyRing(keys, 'test')
  return createVault(
    createSealer(() => ring),
    new Secret(root),
  )
}

const vault = vaultOf(newKey)

test('any value comes back as it was', () => {
  assert(
    property(string({ unit: 'grapheme', maxLength: 200 }), string(), (value, scope) => {
      const { token, keyId } = vault.encrypt(scope, new Secret(value))
      expect(vault.decrypt(scope, token, keyId).reveal()).toBe(value)
      expect(value.length < 4 || !token.includes(value)).toBe(true)
    }),
  )
})

test('a token that was moved to another row does not open there, and the error names the row', () => {
  const { token, keyId } = vault.encrypt('credential cred_1', new Secret('a value'))
  const misplaced = () => vault.decrypt('credential cred_2', token, keyId)
  expect(misplaced).toThrow(expect.objectContaining({ code: 'credential_unreadable' }))
  expect(misplaced).toThrow(/credential cred_2/)
})

test('a token of another installation does not open, even under its key id', () => {
  const other = vaultOf(oldKey)
  const { token } = other.encrypt('credential cred_1', new Secret('a value'))
  const own = vault.encrypt('credential cred_1', new Secret('a value'))
  expect(() => vault.decrypt('credential cred_1', token, own.keyId)).toThrow(
    expect.objectContaining({ code: 'credential_unreadable' }),
  )
})

test('the newest key encrypts, older ones still decrypt, unknown ones are named', () => {
  const before = vaultOf(oldKey)
  const after = vaultOf(`${newKey},${oldKey}`)
  const old = before.encrypt('s', new Secret('kept'))
  expect(after.decrypt('s', old.token, old.keyId).reveal()).toBe('kept')
  expect(after.encrypt('s', new Secret('x')).keyId).toBe(vault.encrypt('s', new Secret('x')).keyId)
  const withoutOld = () => vault.decrypt('s', old.token, old.keyId)
  expect(withoutOld).toThrow(expect.objectContaining({ code: 'credential_unreadable' }))
  expect(withoutOld).toThrow(old.keyId)
})

test('derived bytes outlive every master key; they depend on the root secret and the purpose alone', () => {
  expect(vault.derive('sessions/dep_1', 32)).toEqual(vaultOf(oldKey).derive('sessions/dep_1', 32))
  expect(vault.derive('sessions/dep_1', 32)).not.toEqual(vault.derive('sessions/dep_2', 32))
  expect(vault.derive('sessions/dep_1', 64)).toHaveLength(64)
  expect(vaultOf(newKey, 'another').derive('a', 32)).not.toEqual(vault.derive('a', 32))
})

test('neither ring nor error shows a key', () => {
  expect(() => parseKeyRing(`${newKey},${oldKey.slice(0, 30)}`, 'CATWALK_MASTER_KEY')).toThrow(
    expect.objectContaining({
      code: 'config_invalid',
      message: 'Key 2 in CATWALK_MASTER_KEY is not 32 bytes in base64.',
    }),
  )
})

test.each([
  ['with a line end', (key: string) => `${key}\n`],
  ['without padding', (key: string) => key.replace('=', '')],
  ['in the standard alphabet', (key: string) => key.replaceAll('-', '+').replaceAll('_', '/')],
])('a key is understood %s', (_name, spell) => {
  expect(parseKeyRing(spell(newKey), 'test').newest.id).toBe(parseKeyRing(newKey, 'test').newest.id)
})

test.each(['', ' , \n', 'hunter2', 'a'.repeat(64), `${newKey}${newKey}`, '%%%'])('no key: %j', (text) => {
  expect(() => parseKeyRing(text, 'test')).toThrow(expect.objectContaining({ code: 'config_invalid' }))
})
