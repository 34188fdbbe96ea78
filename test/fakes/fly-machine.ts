import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, lstatSync, readFileSync, readlinkSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { IMAGE_VARIABLES } from '../../src/runtimes/elsewhere/index.ts'

export interface FlyFile {
  readonly guest_path: string
  readonly raw_value: string
}

export interface FlyMachineInput {
  /** The compiled program of the image. */
  readonly program: string
  /** Its own, for the files that it is given. */
  readonly directory: string
  /** What is mounted at /home; null for nothing that lasts. */
  readonly volume: string | null
  readonly env: Readonly<Record<string, string>>
  readonly files: readonly FlyFile[]
  /** An address of loopback that is its alone. */
  readonly address: string
}

const FILES = '/run/catwalk'
/** Where everybody may look, as in an image: what bubblewrap makes by itself to bind something in, root alone may enter. */
const OPEN = ['/run', '/opt', '/opt/catwalk', '/opt/catwalk/toolchain', '/opt/catwalk/toolchain/bin']
const npm = dirname(createRequire(import.meta.url).resolve('npm/package.json'))

/** Starts the image as Fly would boot it: its program in a root of its own, with what the image holds at its places. */
export async function bootFlyMachine(input: FlyMachineInput): Promise<ChildProcess> {
  const { program, directory, volume, env, files, address } = input
  await mkdir(directory, { recursive: true })
  for (const { guest_path: path, raw_value: content } of files) {
    if (dirname(path) !== FILES) throw new Error(`the fake puts files into ${FILES} only`)
    await writeFile(join(directory, basename(path)), Buffer.from(content, 'base64'))
  }
  const links = ['bin', 'sbin', 'lib', 'lib32', 'lib64'].map((name) => `/${name}`).filter(existsSync)
  const system = links.flatMap((path) =>
    lstatSync(path).isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path],
  )
  const args = [
    ['--unshare-pid', '--unshare-ipc', '--die-with-parent', '--proc', '/proc', '--dev', '/dev'],
    ['--perms', '1777', '--tmpfs', '/tmp', '--ro-bind', '/usr', '/usr', '--ro-bind', '/etc', '/etc'],
    OPEN.flatMap((path) => ['--dir', path]),
    system,
    ['--ro-bind', process.execPath, '/opt/catwalk/toolchain/bin/node'],
    ['--ro-bind', npm, '/opt/catwalk/toolchain/npm'],
    ['--ro-bind', program, '/opt/catwalk/instance.mjs'],
    ['--bind', directory, FILES],
    volume === null ? ['--dir', '/home'] : ['--bind', volume, '/home'],
    ['--chdir', '/'],
    ['/opt/catwalk/toolchain/bin/node', '/opt/catwalk/instance.mjs'],
  ].flat()
  const child = spawn('bwrap', args, {
    env: { PATH: '/usr/bin:/bin', ...env, [IMAGE_VARIABLES.host]: address },
    stdio: ['ignore', 'ignore', 'ignore'],
  })
  await once(child, 'spawn')
  return child
}

/** Stops all processes of a machine where they are, as a snapshot does. */
export function freeze(machine: ChildProcess | null): void {
  for (const pid of processesOf(machine)) process.kill(pid, 'SIGSTOP')
}

/** Has them go on. */
export function thaw(machine: ChildProcess | null): void {
  for (const pid of processesOf(machine)) process.kill(pid, 'SIGCONT')
}

function processesOf(machine: ChildProcess | null): readonly number[] {
  return machine?.pid === undefined ? [] : withChildren(machine.pid)
}

function withChildren(pid: number): readonly number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
    return [
      pid,
      ...(children === '' ? [] : children.split(' ')).flatMap((child) => withChildren(Number(child))),
    ]
  } catch {
    // It has just ended.
    return []
  }
}
