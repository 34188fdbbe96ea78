import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import Docker from 'dockerode'
import { processesMentioning } from '../support/processes.ts'
import { until } from '../support/until.ts'

const run = promisify(execFile)

/** A Docker engine of the test's own, with one image made from this machine's files. */
export interface Engine extends AsyncDisposable {
  readonly socketPath: string
  readonly docker: Docker
  readonly image: string
  /** Ends the engine, which ends its containers first. */
  stop(): Promise<void>
  /** Ends it without a chance to tidy up. Its containers run on. */
  kill9(): Promise<void>
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
  const isRunning = (): boolean => engine?.exitCode === null && engine.signalCode === null
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (engine === null || !isRunning()) return
    const gone = once(engine, 'exit')
    engine.kill(signal)
    await gone
  }
  const close = async (): Promise<void> => {
    // One that was killed has to end its containers.
    if (!isRunning()) await start().catch(() => undefined)
    const containers = await docker.listContainers({ all: true }).catch(() => [])
    for (const { Id: id } of containers) {
      await docker
        .getContainer(id)
        .remove({ force: true })
        .catch(() => undefined)
    }
    await end('SIGTERM')
    await endLeftOver(directory)
    await unmountBelow(directory)
    await rm(directory, { recursive: true, force: true, maxRetries: 10 })
  }
  try {
    await start()
    await importImage(docker, baseImage)
  } catch (error) {
    await close()
    throw error
  }
  return {
    socketPath,
    docker,
    image: IMAGE,
    start,
    stop: async () => end('SIGTERM'),
    kill9: async () => end('SIGKILL'),
    [Symbol.asyncDispose]: close,
  }
}

/** Ends what an engine has started and left behind: shims, and what runs in containers that nobody holds any more. */
async function endLeftOver(directory: string): Promise<void> {
  await until('nothing of the engine is left', async () => {
    const left = await processesMentioning(directory)
    for (const line of left) killIfThere(Number.parseInt(line, 10))
    return left.length === 0 ? true : null
  })
}

/** What is left of a killed engine, and where a container had the network of this machine. */
async function unmountBelow(directory: string): Promise<void> {
  const places = (await readFile('/proc/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '')
  const below = places.filter((place) => place.startsWith(`${directory}/`))
  for (const place of below.toReversed()) await run('umount', [place])
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

async function importImage(docker: Docker, file: string): Promise<void> {
  const [repo, tag] = IMAGE.split(':')
  for await (const _ of await docker.importImage(file, { repo, tag })) {
    // Read to its end: the image is there then.
  }
}
