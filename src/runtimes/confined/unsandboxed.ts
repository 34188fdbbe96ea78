import { spawn } from 'node:child_process'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { CatwalkError } from '../../domain/index.ts'
import { INSIDE, type ConfinedCommand, type Mount } from './command.ts'
import type { ConfinedProcess } from './process.ts'
import type { Toolchain } from './toolchain.ts'
import { childExit, signalProcess, untilGroupGone } from './processes.ts'

/**
 * Starts a program without a sandbox, because the operator allowed it: as another user when we are root, in a process
 * group of its own, and otherwise with everything that this user can read and reach.
 * @throws CatwalkError `sandbox_unavailable` when not even that works
 */
export async function runUnsandboxed(
  toolchain: Toolchain,
  setpriv: string | null,
  command: ConfinedCommand,
  signal: AbortSignal,
): Promise<ConfinedProcess> {
  signal.throwIfAborted()
  const mounts = [
    { source: toolchain.directory, target: INSIDE.toolchain, writable: false },
    ...command.mounts,
  ]
  const written = await writeCredentials(command)
  const onHost = (text: string): string =>
    translatePath(written === null ? text : text.replaceAll(`${INSIDE.credentials}/`, `${written}/`), mounts)
  const program = command.argv.map(onHost)
  // setpriv has the kernel end it together with this program.
  const [file = '', ...args] = setpriv === null ? program : [setpriv, '--pdeathsig', 'KILL', '--', ...program]
  const child = spawn(file, args, {
    cwd: onHost(command.workingDirectory),
    env: Object.fromEntries([...command.environment].map(([name, value]) => [name, onHost(value)])),
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    ...command.identity,
  })
  const exit = childExit(child)
  const { pid } = child
  if (pid === undefined) {
    await exit
    await removeCredentials(written)
    throw new CatwalkError('sandbox_unavailable', 'The server cannot be started, not even without a sandbox.')
  }
  child.stdin.on('error', () => undefined)
  const signalGroup = (name: NodeJS.Signals): void => signalProcess(-pid, name)
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    ended: exit.then(async (end) => {
      // What the program started may have outlived it; without a process namespace that is ours to end.
      signalGroup('SIGKILL')
      await untilGroupGone(pid)
      await removeCredentials(written)
      return { ...end, outOfMemory: false }
    }),
    memoryMiB: async () => null,
    terminate: async () => signalGroup('SIGTERM'),
    kill: () => signalGroup('SIGKILL'),
  }
}

/** Credentials that are files lie in the program's own directory until it ends. Returns the directory; null for none. */
async function writeCredentials({ files, identity }: ConfinedCommand): Promise<string | null> {
  if (files.length === 0) return null
  const directory = await mkdtemp(join(tmpdir(), 'catwalk-credentials-'))
  for (const { path, content } of files) {
    const file = join(directory, basename(path))
    await writeFile(file, content, { mode: 0o600, flag: 'wx' })
    if (identity !== null) await chown(file, identity.uid, identity.gid)
  }
  if (identity !== null) await chown(directory, identity.uid, identity.gid)
  return directory
}

async function removeCredentials(directory: string | null): Promise<void> {
  if (directory !== null) await rm(directory, { recursive: true, force: true })
}

/** What the sandbox would show at a path, also where the path is the value of an option; other text stays as it is. */
function translatePath(text: string, mounts: readonly Mount[]): string {
  const [, option = '', path = ''] = /^(--[a-z-]+=)?(.*)$/s.exec(text) ?? []
  const mount = mounts.find(({ target }) => path === target || path.startsWith(`${target}/`))
  return mount === undefined ? text : option + mount.source + path.slice(mount.target.length)
}
