import { expect, test } from 'vitest'
import { initdbCommand } from './initialise.ts'
import { postmasterCommand } from './postmaster.ts'
import { socketDirectory } from './directories.ts'

const binaries = { directory: '/data/postgres/18', version: '18.4.0-beta.17' }

test('initdb makes a cluster that only the system tells users for, with checksums', () => {
  expect(initdbCommand(binaries, '/data/new', false)).toEqual([
    '/data/postgres/18/bin/initdb',
    '--pgdata=/data/new',
    '--username=catwalk',
    '--auth=peer',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--data-checksums',
    '--no-sync',
  ])
  expect(initdbCommand(binaries, '/data/new', true)).not.toContain('--no-sync')
})

test('the server listens on its socket alone, and is durable unless told otherwise', () => {
  const options = {
    binaries,
    databaseDirectory: '/data/database',
    socketDirectory: '/data/a "b",c',
    authDirectory: '/data/postgres',
  }
  const durable = postmasterCommand({ ...options, durable: true })
  expect(durable.slice(0, 3)).toEqual(['/data/postgres/18/bin/postgres', '-D', '/data/database'])
  expect(durable).toContain('listen_addresses=')
  expect(durable).toContain('unix_socket_directories="/data/a ""b"",c"')
  expect(durable).toContain('hba_file=/data/postgres/pg_hba.conf')
  expect(durable.join(' ')).not.toMatch(/fsync=off|full_page_writes=off|synchronous_commit/)
  expect(postmasterCommand({ ...options, durable: false })).toContain('fsync=off')
})

test('the socket moves to a short directory before its path gets too long for the system', () => {
  expect(socketDirectory('/data')).toBe('/data/run')
  const long = `/${'l'.repeat(90)}`
  expect(socketDirectory(long)).toMatch(/^\/tmp\/catwalk-[0-9a-f]{16}$/)
  expect(socketDirectory(long)).toBe(socketDirectory(long))
  expect(socketDirectory(`${long}2`)).not.toBe(socketDirectory(long))
})
