import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import Docker from 'dockerode'
import { until } from '../support/until.ts'

const run = promisify(execFile)

/** A Docker engine of the test's own, with one image made from this machine's files. */
export interface Engine extends AsyncDisposable {
  readonly socketPath: string
  readonly docker: Docker
  readonly image: string
  /** Ends the engine, which ends its containers first. */
  stop(): Promise<void>
  start(): Promise<void>
}

const IMAGE = 'catwalk/test-base:1'

/** OCI runtimes besides the usual one, by the names that the engine is to know them by. */
export type OciRuntimes = Readonly<
  Record<string, { readonly path: string; readonly runtimeArgs?: readonly string[] }>
>

/**
 * Starts the engine. It has no network of its own: the containers of Catwalk use none.
 * @param baseImage file system of its image, as a tar file (see base-image.ts)
 * @param hidden folder that the engine does not see, as one on another machine would not; null for none
 */
export async function startEngine(
  baseImage: string,
  runtimes: OciRuntimes = {},
  hidden: string | null = null,
): Promise<Engine> {
  const directory = await mkdtemp(join(tmpdir(), 'catwalk-engine-'))
  const at = (name: string): string => join(directory, name)
  const socketPath = at('engine.sock')
  const docker = new Docker({ socketPath })
  let engine: ReturnType<typeof spawn> | null = null
  let said = ''
  await writeFile(at('daemon.json'), JSON.stringify({ runtimes }))

  const start = async (): Promise<void> => {
    const child = spawn(
      hidden === null ? 'dockerd' : 'unshare',
      [
        hidden === null
          ? []
          : ['--mount', 'sh', '-c', 'mount -t tmpfs none "$0" && exec dockerd "$@"', hidden],
        ['--config-file', at('daemon.json')],
        ['--data-root', at('data')],
        ['--exec-root', at('exec')],
        ['--pidfile', at('pid')],
        ['--host', `unix://${socketPath}`],
        ['--bridge', 'none'],
        ['--iptables=false', '--ip6tables=false', '--log-level=warn'],
      ].flat(),
      { stdio: ['ignore', 'ignore', 'pipe'] },
    )
    engine = child
    let failed: Error | null = null
    child.once('error', (error) => {
      failed = error
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4_000)
    })
    await until('the engine answers', async () => {
      if (failed !== null) throw failed
      if (child.exitCode !== null) throw new Error(`dockerd ended: ${said}`)
      return docker.ping().then(
        () => true,
        () => null,
      )
    })
  }
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (engine === null || engine.exitCode !== null || engine.signalCode !== null) return
    const gone = once(engine, 'exit')
    engine.kill(signal)
    await gone
  }
  await start()
  await importImage(docker, baseImage)
  return {
    socketPath,
    docker,
    image: IMAGE,
    start,
    stop: async () => end('SIGTERM'),
    [Symbol.asyncDispose]: async () => {
      const containers = await docker.listContainers({ all: true }).catch(() => [])
      for (const { Id: id } of containers) await docker.getContainer(id).remove({ force: true })
      await end('SIGTERM')
      // Left behind where a container had the network of this machine.
      await run('umount', [at('exec/netns/default')]).catch(() => undefined)
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function importImage(docker: Docker, file: string): Promise<void> {
  const [repo, tag] = IMAGE.split(':')
  for await (const _ of await docker.importImage(file, { repo, tag })) {
    // Read to its end: the image is there then.
  }
}
