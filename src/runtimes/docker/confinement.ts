import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type Docker from 'dockerode'
import { anySignal, CatwalkError, quoted, type Logger, type RuntimeStatus } from '../../domain/index.ts'
import { EgressRefusal } from '../../network/index.ts'
import { INSIDE, type ConfinedCommand, type Confinement, type Toolchain } from '../confined/index.ts'
import { imagesOf } from './images.ts'
import { sweepFiles } from './places.ts'
import { createPresence } from './presence.ts'
import { INSTALLATION_LABEL, type ContainerHost } from './container-options.ts'
import {
  codeOf,
  ENGINE_ELSEWHERE,
  isGone,
  noteMissing,
  runInContainer,
  statusOf,
  wordsOf,
  type ContainerParts,
} from './container.ts'

export interface ContainerConfinementOptions {
  readonly engine: Docker
  readonly image: string
  readonly ociRuntime: string | null
  readonly dataDir: string
  readonly toolchain: Toolchain
  readonly logger: Logger
  /** This machine's, unless a test says otherwise. */
  readonly platform?: NodeJS.Platform
}

const ANSWER_MS = 10_000
/** How often an engine that is away is asked whether it is back. */
const POLL_MS = 1_000
/** How much later it may be known that a container ended with it. */
const SETTLED_MS = 5_000

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
  let good: RuntimeStatus | null = null
  const presence = createPresence({
    answers: async (signal) => mayAnswer(engine, signal),
    onAway: () => {
      good = null
      options.logger.warn({ image }, 'the Docker engine does not answer')
    },
    onBack: async () => {
      await sweep(parts, options.logger)
      options.logger.info({ image }, 'the Docker engine answers again')
    },
    pollMs: POLL_MS,
    settledMs: SETTLED_MS,
  })
  const parts: ContainerParts = {
    engine,
    host,
    sockets: join(dataDir, 'egress'),
    held: new Set(),
    missed: presence.missed,
  }
  // Nobody is at the other end of those that are there.
  await rm(parts.sockets, { recursive: true, force: true })
  await sweepFiles(host.installation)

  const examine = async (signal: AbortSignal): Promise<RuntimeStatus> => {
    try {
      if ((options.platform ?? process.platform) !== 'linux') {
        throw new CatwalkError(
          'sandbox_unavailable',
          'Containers show directories and sockets of this machine, which they can only where it runs Linux itself.',
          { help: ENGINE_ELSEWHERE },
        )
      }
      const { Version: version } = await answered(engine.version(), signal)
      await checkOciRuntime(engine, ociRuntime, signal)
      await sweep(parts, options.logger)
      await runTrial(parts, signal)
      return {
        ok: true,
        detail: `Docker ${version}, image ${image}${ociRuntime === null ? '' : `, ${ociRuntime}`}`,
      }
    } catch (error) {
      signal.throwIfAborted()
      noteMissing(parts, error)
      if (error instanceof CatwalkError) return { ok: false, reason: error.message, fix: error.help }
      return {
        ok: false,
        reason: `The Docker engine does not answer: ${wordsOf(error)}.`,
        fix: 'Start it, let the user that runs Catwalk use its socket, and set CATWALK_DOCKER_SOCKET if it is in another place.',
      }
    }
  }

  const run: Confinement['run'] = async (command, onRefused, signal) => {
    if (good === null) {
      const found = await examine(signal)
      if (!found.ok) throw new CatwalkError('sandbox_unavailable', found.reason, { help: found.fix })
      good = found
    }
    return runInContainer(parts, command, onRefused, signal)
  }

  return {
    images: imagesOf(engine),
    status: async (signal) => {
      if (good !== null && (await isThere(engine, signal))) return good
      const found = await examine(signal)
      good = found.ok ? found : null
      return found
    },
    run,
    awayMs: presence.awayMs,
  }
}

/** @throws CatwalkError `sandbox_unavailable` when the engine does not know the runtime */
async function checkOciRuntime(engine: Docker, name: string | null, signal: AbortSignal): Promise<void> {
  // One with dots is a program of containerd's, which the engine starts without having been told of it.
  if (name === null || name.includes('.')) return
  const info: unknown = await answered<unknown>(engine.info(), signal)
  const known =
    typeof info === 'object' && info !== null && 'Runtimes' in info ? Object.keys(info.Runtimes ?? {}) : []
  if (known.includes(name)) return
  throw new CatwalkError(
    'sandbox_unavailable',
    `The Docker engine has no runtime named ${quoted(name)}. It has: ${known.join(', ')}.`,
    {
      help: 'Install it (gVisor on Debian: apt-get install runsc), name it in /etc/docker/daemon.json as docs/docker.md has it, and restart the engine; or unset CATWALK_DOCKER_OCI_RUNTIME.',
    },
  )
}

async function isThere(engine: Docker, signal: AbortSignal): Promise<boolean> {
  return ping(engine, signal).then(
    () => true,
    () => false,
  )
}

/** False when nobody answers. One that does not let us in is not waited for. */
async function mayAnswer(engine: Docker, signal: AbortSignal): Promise<boolean> {
  return ping(engine, signal).then(
    () => true,
    (error: unknown) => {
      signal.throwIfAborted()
      return statusOf(error) !== null || codeOf(error) === 'EACCES'
    },
  )
}

async function ping(engine: Docker, signal: AbortSignal): Promise<void> {
  // The types leave open that it takes a callback instead.
  const answer: Promise<unknown> = engine.ping()
  await answered(answer, signal)
}

/** What the engine answers, in time. @throws the signal's reason */
async function answered<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  const late = Promise.withResolvers<never>()
  const giveUp = (): void => late.reject(signal.aborted ? signal.reason : new Error('no answer in time'))
  const limit = anySignal([signal, AbortSignal.timeout(ANSWER_MS)])
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
    try {
      await engine.getContainer(id).remove({ force: true, v: true })
    } catch (error) {
      // Somebody else is removing it.
      if (isGone(error)) continue
      throw error
    }
    logger.info({ container: name }, 'removed a container that nobody holds')
  }
}

/** Asks the proxy for a way that it does not give, and ends once it was answered. */
const ASK = `require('node:net').connect(${INSIDE.proxyPort}, '127.0.0.1')
  .setTimeout(${ANSWER_MS}, () => process.exit(0)).on('error', () => process.exit(0)).on('close', () => process.exit(0)).resume()
  .write('CONNECT trial.invalid:443 HTTP/1.1\\r\\nHost: trial.invalid\\r\\n\\r\\n')`

/** Runs Node in a container like those of servers, and has it ask for the way out: nothing but to come so far. */
async function runTrial(parts: ContainerParts, signal: AbortSignal): Promise<void> {
  let asked = false
  const command: ConfinedCommand = {
    label: 'trial',
    argv: [INSIDE.node, '-e', ASK],
    environment: new Map(),
    files: [],
    workingDirectory: '/',
    mounts: [],
    identity: null,
    limits: { memoryMiB: 256, tasks: 64, cpus: 1, fileMiB: null },
    dial: async () => {
      asked = true
      throw new EgressRefusal('it is a trial')
    },
  }
  const run = await runInContainer(parts, command, () => undefined, signal)
  let said = ''
  run.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-500)
  })
  run.stdin.end()
  run.stdout.resume()
  const { exitCode, signal: endSignal } = await run.ended
  const { image, ociRuntime } = parts.host
  if (exitCode !== 0) {
    throw new CatwalkError(
      'sandbox_unavailable',
      `Node does not run in the image ${image} (${endSignal ?? `exit code ${exitCode}`}): ${said.trim()}`,
      { help: 'The image needs glibc and libstdc++ of Debian 12 or later, see docs/docker.md.' },
    )
  }
  if (asked) return
  throw new CatwalkError(
    'sandbox_unavailable',
    `Containers do not reach the socket of Catwalk's proxy${ociRuntime === null ? '' : ` with the runtime ${quoted(ociRuntime)}`}, so servers would reach nothing.`,
    {
      help: 'gVisor needs the argument --host-uds=all in /etc/docker/daemon.json (docs/docker.md); SELinux must let containers connect to sockets of Catwalk.',
    },
  )
}
