import { assert, property, string } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CatwalkError, Secret } from '../domain/index.ts'
import { describeTarget, parseConnectionUrl } from './connection-url.ts'

function parse(url: string) {
  return parseConnectionUrl(new Secret(url))
}

test('a full URL is read part by part', () => {
  const target = parse('postgres://me:p%40ss@db.example:6543/catwalk?sslmode=verify-full&sslrootcert=/ca.pem')
  expect(target).toMatchObject({
    host: 'db.example',
    port: 6543,
    user: 'me',
    database: 'catwalk',
    sslMode: 'verify-full',
    sslRootCert: '/ca.pem',
    ignored: [],
  })
  expect(target.password?.reveal()).toBe('p@ss')
})

test('what is left out has the usual defaults', () => {
  expect(parse('postgresql://me@db')).toMatchObject({
    host: 'db',
    port: 5432,
    database: 'me',
    password: null,
    sslMode: 'prefer',
    applicationName: 'catwalk',
  })
})

test.each([
  'postgres:///catwalk?host=/var/run/postgresql&user=me',
  'postgres://me@/catwalk?host=/var/run/postgresql',
  'postgres://me@%2Fvar%2Frun%2Fpostgresql/catwalk',
  'postgres://me@localhost/catwalk?host=%2Fvar%2Frun%2Fpostgresql',
])('a Unix socket: %s', (url) => {
  expect(parse(url)).toMatchObject({ host: '/var/run/postgresql', user: 'me', database: 'catwalk' })
})

test('an address in brackets is an address', () => {
  expect(parse('postgres://me@[::1]:5433/x')).toMatchObject({ host: '::1', port: 5433 })
})

test("parameters of providers' own are ignored, and named", () => {
  const target = parse(
    'postgres://me:x@db/x?sslmode=disable&pgbouncer=true&channel_binding=require&pgbouncer=1',
  )
  expect(target.sslMode).toBe('disable')
  expect(target.ignored).toEqual(['pgbouncer', 'channel_binding'])
})

describe('a URL that cannot be used is refused without showing its password', () => {
  test.each([
    ['mysql://me:hunter2@db/x', 'postgres://'],
    ['hunter2', 'postgres://'],
    ['postgres://me:hunter2#x@db/x', '%23'],
    ['postgres://me:hunter2%zz@db/x', '%25'],
    ['postgres://me:hunter2@db/x?sslmode=on', 'verify-full'],
    ['postgres://me:hunter2@db:port/x', 'valid URL'],
    ['postgres://me:hunter2@db/x?port=70000', 'port'],
  ])('%s', (url, said) => {
    const error = errorOf(url)
    expect(error.code).toBe('config_invalid')
    expect(error.message).toContain(said)
    expect(error.message + error.help).not.toContain('hunter2')
  })
})

function errorOf(url: string): CatwalkError {
  try {
    parse(url)
  } catch (error) {
    if (error instanceof CatwalkError) return error
    throw error
  }
  throw new Error('it was accepted')
}

test('any password survives being written as the help says, and is not in the description', () => {
  assert(
    property(string({ unit: 'binary', minLength: 12, maxLength: 40 }), (password) => {
      const target = parse(`postgres://me:${encodeURIComponent(password)}@db/x`)
      expect(target.password?.reveal()).toBe(password)
      expect(describeTarget(target)).toBe("database 'x' at db:5432")
    }),
  )
})
