import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, lstatSync, readFileSync, readlinkSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { IMAGE_VARIABLES } from '../../../src/runtimes/elsewhere/index.ts'
import { fieldsOf, listOf, type Json } from './validate.ts'

const npm = dirname(createRequire(import.meta.url).resolve('npm/package.json'))

export interface KubeletInput {
  /** The compiled program of the image. */
  readonly program: string
  readonly spec: Json
  /** Of this pod alone. */
  readonly directory: string
  /** Where the volumes of claims are. */
  readonly claims: string
  /** Data of a Secret by its name, decoded; null where there is none. */
  readonly secretOf: (name: string) => ReadonlyMap<string, Buffer> | null
  /** The address of the pod, one of loopback. */
  readonly address: string
}

/** Volumes by their names, as directories of this machine. */
export type Volumes = ReadonlyMap<string, { readonly path: string; readonly isReadOnly: boolean }>

/** Makes the volumes of a pod. Null when a Secret is missing, for which a kubelet waits. */
export async function makeVolumes(input: KubeletInput): Promise<Volumes | null> {
  const { spec, directory, claims, secretOf } = input
  const made = new Map<string, { path: string; isReadOnly: boolean }>()
  for (const volume of listOf(spec['volumes'])) {
    const name = String(volume['name'])
    const own = join(directory, name)
    if (volume['secret'] !== undefined) {
      const { secretName, items } = fieldsOf(volume['secret'])
      const data = secretOf(String(secretName))
      if (data === null) return null
      await mkdir(own, { recursive: true })
      for (const { key, path } of listOf(items)) {
        const content = data.get(String(key))
        if (content === undefined) return null
        await writeFile(join(own, String(path)), content)
      }
      made.set(name, { path: own, isReadOnly: true })
    } else if (volume['persistentVolumeClaim'] !== undefined) {
      const { claimName } = fieldsOf(volume['persistentVolumeClaim'])
      const path = join(claims, String(claimName))
      await mkdir(path, { recursive: true })
      made.set(name, { path, isReadOnly: false })
    } else {
      await mkdir(own, { recursive: true })
      made.set(name, { path: own, isReadOnly: false })
    }
  }
  return made
}

/** A container as a process of this machine, in a root of its own that holds what the image holds. */
export interface Container {
  readonly child: ChildProcess
  /** Last of what it printed. */
  readonly log: () => string
  /** Asks its first program to end. */
  terminate(): void
}

const MOST_LOG = 64 * 1024

export async function runContainer(
  { program, spec, secretOf, address }: KubeletInput,
  container: Json,
  volumes: Volumes,
): Promise<Container> {
  const links = ['bin', 'sbin', 'lib', 'lib32', 'lib64'].map((name) => `/${name}`).filter(existsSync)
  const system = links.flatMap((path) =>
    lstatSync(path).isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path],
  )
  const mounts = listOf(container['volumeMounts']).flatMap(({ name, mountPath, readOnly }) => {
    const volume = volumes.get(String(name))
    if (volume === undefined) throw new Error(`there is no volume ${String(name)}`)
    return [volume.isReadOnly || readOnly === true ? '--ro-bind' : '--bind', volume.path, String(mountPath)]
  })
  const { runAsUser, runAsGroup } = fieldsOf(spec['securityContext'])
  const command = Array.isArray(container['command'])
    ? container['command'].map(String)
    : ['/opt/catwalk/toolchain/bin/node', '/opt/catwalk/instance.mjs']
  const isReadOnly = fieldsOf(container['securityContext'])['readOnlyRootFilesystem'] === true
  const args = [
    ['--unshare-user', '--uid', String(runAsUser), '--gid', String(runAsGroup), '--cap-drop', 'ALL'],
    [
      '--unshare-pid',
      '--unshare-ipc',
      '--die-with-parent',
      '--info-fd',
      '3',
      '--proc',
      '/proc',
      '--dev',
      '/dev',
    ],
    ['--ro-bind', '/usr', '/usr', '--ro-bind', '/etc', '/etc'],
    system,
    ['--ro-bind', process.execPath, '/opt/catwalk/toolchain/bin/node'],
    ['--ro-bind', npm, '/opt/catwalk/toolchain/npm'],
    ['--ro-bind', program, '/opt/catwalk/instance.mjs'],
    mounts,
    isReadOnly ? ['--remount-ro', '/'] : [],
    ['--chdir', '/', '--', ...command],
  ].flat()
  const env: Record<string, string> = { PATH: '/usr/bin:/bin', [IMAGE_VARIABLES.host]: address }
  for (const { name, value, valueFrom } of listOf(container['env'])) {
    const reference = fieldsOf(fieldsOf(valueFrom)['secretKeyRef'])
    const secret = secretOf(String(reference['name']))?.get(String(reference['key']))
    env[String(name)] = secret?.toString() ?? String(value)
  }
  const child = spawn('bwrap', args, { env, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      log = (log + chunk).slice(-MOST_LOG)
    })
  }
  const info = child.stdio[3]
  // Opened above, to be read.
  const told = text(info as NodeJS.ReadableStream).catch(() => '{}')
  await once(child, 'spawn')
  return {
    child,
    log: () => log,
    terminate: () => void terminate(told),
  }
}

/** Its first process keeps the namespace; the program is the only child of it. */
async function terminate(told: Promise<string>): Promise<void> {
  const inner = Number(/"child-pid": (\d+)/.exec(await told)?.[1])
  for (const pid of childrenOf(inner)) process.kill(pid, 'SIGTERM')
}

function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean)
      .map(Number)
  } catch {
    return []
  }
}
