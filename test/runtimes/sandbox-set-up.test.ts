import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { INSIDE, type ConfinedCommand } from '../../src/runtimes/confined/index.ts'
import { runInBubblewrap, type BubblewrapHost } from '../../src/runtimes/local/sandbox/bubblewrap.ts'
import { seccompFilter } from '../../src/runtimes/local/sandbox/seccomp.ts'
import { findSystemFiles } from '../../src/runtimes/local/sandbox/system-files.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

// What starts a sandbox without an init inside, where nothing but bubblewrap itself tells whether it is there.

const never = new AbortController().signal

async function hostWith(directory: string): Promise<BubblewrapHost> {
  const filter = join(directory, 'filter')
  await writeFile(filter, seccompFilter(process.arch === 'arm64' ? 'arm64' : 'x64'))
  await chmod(filter, 0o644)
  const { directories, links } = await findSystemFiles(directory)
  return {
    bubblewrap: '/usr/bin/bwrap',
    setpriv: '/usr/bin/setpriv',
    nsenter: null,
    features: { size: true, disableUserns: true, perms: true },
    system: { directories, links, files: [] },
    toolchain: { directory },
    seccompFilter: filter,
    controlGroups: { detail: '', create: async () => null, sweep: async () => undefined },
    handsDown: false,
    readyTimeoutMs: 10_000,
  }
}

const commandOf = (changes: Partial<ConfinedCommand>): ConfinedCommand => ({
  label: 'test',
  argv: ['/usr/bin/env'],
  argvIsPublic: true,
  environment: new Map([['KEY', 'first\nsecond "third"']]),
  files: [],
  workingDirectory: '/tmp',
  mounts: [],
  identity: null,
  limits: { memoryMiB: 256, tasks: 64, cpus: 1, fileMiB: null },
  dial: null,
  ...changes,
})

test('the environment is what was asked for, to the letter', async () => {
  await using directory = await temporaryDirectory()
  const run = await runInBubblewrap(await hostWith(directory.path), commandOf({}), () => undefined, never)
  const [out] = await Promise.all([text(run.stdout), text(run.stderr), run.ended])
  // bubblewrap adds the directory that it changes to, as shells do.
  expect(out).toBe('KEY=first\nsecond "third"\nPWD=/tmp\n')
})

test("a sandbox that cannot be set up is told by bubblewrap's own words, however it would have been started", async () => {
  await using directory = await temporaryDirectory()
  const host = await hostWith(directory.path)
  const mounts = [{ source: '/nonexistent/package', target: INSIDE.package, writable: false }]
  for (const argvIsPublic of [true, false]) {
    const started = runInBubblewrap(host, commandOf({ mounts, argvIsPublic }), () => undefined, never)
    await expect(started).rejects.toMatchObject({
      code: 'sandbox_unavailable',
      message: expect.stringContaining('/nonexistent/package'),
    })
  }
})

test('a program that is not there is an end, not a sandbox that is missing', async () => {
  await using directory = await temporaryDirectory()
  const command = commandOf({ argv: ['/usr/bin/no-such-program'] })
  const run = await runInBubblewrap(await hostWith(directory.path), command, () => undefined, never)
  const [said, { exitCode }] = await Promise.all([text(run.stderr), run.ended, text(run.stdout)])
  expect(exitCode).not.toBe(0)
  expect(said).toContain('no-such-program')
})
