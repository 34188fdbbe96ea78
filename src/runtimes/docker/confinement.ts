import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type Docker from 'dockerode'
import { CatwalkError, type Logger, type RuntimeStatus } from '../../domain/index.ts'
import { INSIDE, type ConfinedCommand, type Confinement, type Toolchain } from '../confined/index.ts'
import { imagesOf } from './images.ts'
import { sweepFiles } from './places.ts'
import { INSTALLATION_LABEL, type ContainerHost } from './container-options.ts'
import { runInContainer, wordsOf, type ContainerParts } from './container.ts'

export interface ContainerConfinementOptions {
  readonly engine: Docker
  readonly image: string
  readonly ociRuntime: string | null
  readonly dataDir: string
  readonly toolchain: Toolchain
  readonly logger: Logger
}

const ANSWER_MS = 10_000

/** Runs programs in containers of an engine on this machine. Containers of an earlier run of the program are removed first. */
export async function createContainerConfinement(options: ContainerConfinementOptions): Promise<Confinement> {
  const { engine, image, ociRuntime, dataDir, toolchain } = options
  const host: ContainerHost = {
    image,
    ociRuntime,
    toolchain,
    installation: createHash('sha256').update(dataDir).digest('hex').slice(0, 12),
    user: `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`,
  }
  const parts: ContainerParts = { engine, host, sockets: join(dataDir, 'egress'), held: new Set() }
  // Nobody is at the other end of those that are there.
  await rm(parts.sockets, { recursive: true, force: true })
  await sweepFiles(host.installation)
  let good: RuntimeStatus | null = null

  const examine = async (signal: AbortSignal): Promise<RuntimeStatus> => {
    try {
      const { Version: version } = await answered(engine.version(), signal)
      await sweep(parts, options.logger)
      await runTrial(parts, signal)
      return {
        ok: true,
        detail: `Docker ${version}, image ${image}${ociRuntime === null ? '' : `, ${ociRuntime}`}`,
      }
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof CatwalkError) return { ok: false, reason: error.message, fix: error.help }
      return {
        ok: false,
        reason: `The Docker engine does not answer: ${wordsOf(error)}.`,
        fix: 'Start it, let the user that runs Catwalk use its socket, and set DOCKER_HOST if it is in another place.',
      }
    }
  }

  return {
    images: imagesOf(engine),
    status: async (signal) => {
      if (good !== null && (await isThere(engine, signal))) return good
      const found = await examine(signal)
      good = found.ok ? found : null
      return found
    },
    run: async (command, onRefused, signal) => {
      if (good === null) {
        const found = await examine(signal)
        if (!found.ok) throw new CatwalkError('sandbox_unavailable', found.reason, { help: found.fix })
        good = found
      }
      return runInContainer(parts, command, onRefused, signal)
    },
  }
}

async function isThere(engine: Docker, signal: AbortSignal): Promise<boolean> {
  // The types leave open that it takes a callback instead.
  const ping: Promise<unknown> = engine.ping()
  return answered(ping, signal).then(
    () => true,
    () => false,
  )
}

/** What the engine answers, in time. @throws the signal's reason */
async function answered<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  const late = Promise.withResolvers<never>()
  const giveUp = (): void => late.reject(signal.aborted ? signal.reason : new Error('no answer in time'))
  const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)])
  limit.addEventListener('abort', giveUp, { once: true })
  try {
    if (limit.aborted) giveUp()
    return await Promise.race([answer, late.promise])
  } finally {
    limit.removeEventListener('abort', giveUp)
    answer.catch(() => undefined)
  }
}

/** Removes what nobody here holds: left behind by a killed run of the program, or while the engine was away. */
async function sweep({ engine, host, held }: ContainerParts, logger: Logger): Promise<void> {
  const filters = { label: [`${INSTALLATION_LABEL}=${host.installation}`] }
  for (const { Id: id, Names: names } of await engine.listContainers({ all: true, filters })) {
    const name = names[0]?.slice(1) ?? id
    if (held.has(name)) continue
    await engine.getContainer(id).remove({ force: true, v: true })
    logger.info({ container: name }, 'removed a container that nobody holds')
  }
}

/** Runs Node in a container like those of servers, and asks it for nothing but to end well. */
async function runTrial(parts: ContainerParts, signal: AbortSignal): Promise<void> {
  const command: ConfinedCommand = {
    label: 'trial',
    argv: [INSIDE.node, '--version'],
    environment: new Map(),
    files: [],
    workingDirectory: '/',
    mounts: [],
    identity: null,
    limits: { memoryMiB: 256, tasks: 64, cpus: 1, fileMiB: null },
    dial: null,
  }
  const run = await runInContainer(parts, command, () => undefined, signal)
  let said = ''
  run.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-500)
  })
  run.stdin.end()
  run.stdout.resume()
  const { exitCode, signal: endSignal } = await run.ended
  if (exitCode !== 0) {
    throw new CatwalkError(
      'sandbox_unavailable',
      `Node does not run in the image ${parts.host.image} (${endSignal ?? `exit code ${exitCode}`}): ${said.trim()}`,
      { help: 'The image needs glibc and libstdc++ of Debian 12 or later, see docs/docker.md.' },
    )
  }
}
