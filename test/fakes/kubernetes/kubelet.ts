import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { existsSync, lstatSync, readFileSync, readlinkSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { IMAGE_VARIABLES } from '../../../src/runtimes/elsewhere/index.ts'
import { fieldsOf, listOf, type Json } from './validate.ts'

const npm = dirname(createRequire(import.meta.url).resolve('npm/package.json'))

/** What somebody has pushed into a registry that the node can reach. */
export interface FakeImage {
  /** Contents by their names in `/app`. Beside them it has Node, at `/opt/node`. */
  readonly files: Readonly<Record<string, string>>
  /** Links at its root to files in `/app`, by their paths. */
  readonly links?: Readonly<Record<string, string>>
  readonly entrypoint: readonly string[]
  readonly command: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly workingDirectory?: string
}

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
  /** What runs in the pod's own image; null for the program of ours. */
  readonly image: FakeImage | null
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
  /**
   * Hands over what it prints from now on; it prints no faster than that is taken.
   * @returns ends it
   */
  follow(take: (stream: 'stdout' | 'stderr', bytes: Buffer) => Promise<void>): () => void
  /** Asks its first program to end. */
  terminate(): void
}

const MOST_LOG = 64 * 1024

/** Why a container cannot be made yet: its environment is not known. Null when it is. */
export function missingSecret({ secretOf }: KubeletInput, container: Json): string | null {
  for (const { valueFrom } of listOf(container['env'])) {
    const { name, key } = fieldsOf(fieldsOf(valueFrom)['secretKeyRef'])
    if (typeof name !== 'string' || typeof key !== 'string') continue
    const data = secretOf(name)
    if (data === null) return `secret "${name}" not found`
    if (!data.has(key)) return `couldn't find key ${key} in Secret ${name}`
  }
  return null
}

export async function runContainer(
  { program, spec, directory, secretOf, address, image }: KubeletInput,
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
  const env: Record<string, string> = {
    PATH: '/usr/bin:/bin',
    // In a network of its own a server listens on all addresses; here it is told which one is the pod's.
    ...(image === null ? { [IMAGE_VARIABLES.host]: address } : { HOST: address, ...image.environment }),
  }
  for (const { name, value, valueFrom } of listOf(container['env'])) {
    const reference = fieldsOf(fieldsOf(valueFrom)['secretKeyRef'])
    const secret = secretOf(String(reference['name']))?.get(String(reference['key']))
    env[String(name)] = secret?.toString() ?? String(value)
  }
  const given = [...wordsOf(container['command']), ...wordsOf(container['args'])]
  const command =
    image === null
      ? given.length > 0
        ? given
        : ['/opt/catwalk/toolchain/bin/node', '/opt/catwalk/instance.mjs']
      : given.length > 0
        ? given.map((word) => expanded(word, env))
        : [...image.entrypoint, ...image.command]
  const app = join(directory, 'app')
  if (image !== null) {
    await mkdir(app, { recursive: true })
    for (const [name, content] of Object.entries(image.files))
      await writeFile(join(app, name), content, { mode: 0o755 })
  }
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
    image === null
      ? [
          ['--ro-bind', process.execPath, '/opt/catwalk/toolchain/bin/node'],
          ['--ro-bind', npm, '/opt/catwalk/toolchain/npm'],
          ['--ro-bind', program, '/opt/catwalk/instance.mjs'],
        ].flat()
      : [
          '--ro-bind',
          app,
          '/app',
          '--ro-bind',
          process.execPath,
          '/opt/node',
          ...Object.entries(image.links ?? {}).flatMap(([path, target]) => ['--symlink', target, path]),
        ],
    mounts,
    isReadOnly ? ['--remount-ro', '/'] : [],
    ['--chdir', image?.workingDirectory ?? '/', '--', ...command],
  ].flat()
  const hasInput = container['stdin'] === true
  const child = spawn('bwrap', args, { env, stdio: [hasInput ? 'pipe' : 'ignore', 'pipe', 'pipe', 'pipe'] })
  child.stdin?.on('error', () => undefined)
  let log = ''
  const takers = new Set<Parameters<Container['follow']>[0]>()
  const [, stdout, stderr, info] = child.stdio
  for (const [name, stream] of [
    ['stdout', stdout],
    ['stderr', stderr],
  ] as const) {
    // Opened above, to be read.
    const readable = stream as Readable
    readable.on('data', (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-MOST_LOG)
      if (takers.size === 0) return
      readable.pause()
      void Promise.all([...takers].map(async (take) => take(name, chunk))).finally(() => readable.resume())
    })
  }
  // Opened above, to be read.
  const told = text(info as NodeJS.ReadableStream).catch(() => '{}')
  await once(child, 'spawn')
  return {
    child,
    log: () => log,
    follow(take) {
      takers.add(take)
      return () => void takers.delete(take)
    },
    terminate: () => void terminate(told),
  }
}

function wordsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : []
}

/** `$(NAME)` is the variable's value where there is one, `$$` a dollar (Kubernetes, "Define a Command and Arguments"). */
function expanded(word: string, env: Readonly<Record<string, string>>): string {
  return word.replaceAll(/\$\$|\$\(([^)]*)\)/g, (whole, name?: string) =>
    name === undefined ? '$' : (env[name] ?? whole),
  )
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
