import { randomUUID } from 'node:crypto'
import { chmod, mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createRequire } from 'node:module'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { createDirectories } from '../../src/runtimes/confined/directories.ts'
import { createIdentities, DEFAULT_FIRST_UID } from '../../src/runtimes/confined/identities.ts'
import { INSIDE, type ConfinedCommand, type Confinement } from '../../src/runtimes/confined/index.ts'
import { createConfinement } from '../../src/runtimes/local/sandbox/confinement.ts'
import { findControlGroups } from '../../src/runtimes/local/sandbox/control-groups.ts'
import { ensureToolchain } from '../../src/runtimes/confined/toolchain.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { processesMentioning } from '../support/processes.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const never = new AbortController().signal
const asRoot = process.getuid?.() === 0
const identity = createIdentities(asRoot, DEFAULT_FIRST_UID).installer

async function createWithoutBubblewrap(
  dataDir: string,
  allowUnsandboxed: boolean,
  platform: NodeJS.Platform = 'linux',
): Promise<Confinement> {
  const directories = await createDirectories(dataDir, asRoot)
  const npmDirectory = dirname(createRequire(import.meta.url).resolve('npm/package.json'))
  return createConfinement({
    toolchain: await ensureToolchain(directories, npmDirectory, new Map()),
    controlGroups: await findControlGroups(dataDir),
    allowUnsandboxed,
    places: ['/nonexistent'],
    platform,
    trialIdentity: identity,
  })
}

const command = (nodeArguments: readonly string[]): ConfinedCommand => ({
  label: `test-${randomUUID()}`,
  argv: [INSIDE.node, ...nodeArguments],
  files: [],
  environment: new Map([['HOME', INSIDE.home]]),
  workingDirectory: '/',
  mounts: [],
  identity,
  limits: { memoryMiB: 256, tasks: 64, cpus: 1, fileMiB: null },
  dial: null,
})

test('without bubblewrap nothing is started, and what to type is said', async () => {
  await using directory = await temporaryDirectory()
  const confinement = await createWithoutBubblewrap(directory.path, false)
  const status = await confinement.status(never)
  expect(status).toMatchObject({ ok: false, reason: 'bubblewrap (bwrap) is not installed.' })
  expect(status.ok ? '' : status.fix).toContain('apt-get install bubblewrap')
  const error = await catwalkErrorOf(confinement.run(command(['--version']), () => undefined, never))
  expect(error.code).toBe('sandbox_unavailable')
})

test('on another system than Linux nothing is started, and what works there is said', async () => {
  await using directory = await temporaryDirectory()
  const status = await (await createWithoutBubblewrap(directory.path, false, 'darwin')).status(never)
  expect(status).toMatchObject({
    ok: false,
    reason: 'The sandbox of servers needs Linux, and this is macOS.',
    fix: expect.stringContaining('virtual machine'),
  })
})

test('where the operator allows it, programs run without a sandbox, and the status says what that means', async () => {
  await using directory = await temporaryDirectory()
  const confinement = await createWithoutBubblewrap(directory.path, true)
  const status = await confinement.status(never)
  expect(status.ok ? status.detail : '').toMatch(/^UNSANDBOXED/)
  const mark = `mark-${randomUUID()}`
  const code = `require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', '${mark}'], { stdio: 'ignore' }).unref()
    console.log(JSON.stringify([process.getuid(), Object.keys(process.env)]))`
  const run = await confinement.run(command(['-e', code]), () => undefined, never)
  run.stdin.end()
  run.stderr.resume()
  expect(JSON.parse(await text(run.stdout))).toEqual([identity?.uid ?? process.getuid?.(), ['HOME']])
  expect(await run.ended).toMatchObject({ exitCode: 0 })
  expect(await processesMentioning(mark)).toEqual([])
})

test('as root, a data directory that other users cannot enter is named', async () => {
  await using directory = await temporaryDirectory()
  const closed = join(directory.path, 'closed')
  await mkdir(closed)
  const directories = await createDirectories(join(closed, 'data'), asRoot)
  await chmod(closed, 0o700)
  const npmDirectory = dirname(createRequire(import.meta.url).resolve('npm/package.json'))
  const confinement = createConfinement({
    toolchain: await ensureToolchain(directories, npmDirectory, new Map()),
    controlGroups: await findControlGroups(closed),
    allowUnsandboxed: false,
    trialIdentity: identity,
  })
  const status = await confinement.status(never)
  // As an ordinary user there is nobody else who would have to enter it.
  expect(status.ok ? '' : status.reason).toBe(
    asRoot
      ? `The data directory is under ${closed}, which other users may not enter; servers run as other users.`
      : '',
  )
})
