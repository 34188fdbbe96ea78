import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdir, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { Readable, type Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'
import type Docker from 'dockerode'
import { anySignal, CatwalkError } from '../../domain/index.ts'
import {
  createResolver,
  decodeExit,
  PROXY_DEFAULTS,
  serveProxy,
  type ConfinedCommand,
  type ConfinedProcess,
  type ProcessEnd,
  type Proxy,
} from '../confined/index.ts'
import {
  containerOptions,
  imageOptions,
  startMessage,
  wayCommand,
  waySocket,
  type ContainerHost,
} from './container-options.ts'
import { openPlaces } from './places.ts'
import { splitStreams } from './split-streams.ts'

export interface ContainerParts {
  readonly engine: Docker
  readonly host: ContainerHost
  /** Where the sockets of egress proxies lie. */
  readonly sockets: string
  /** Names of the containers that somebody here holds. */
  readonly held: Set<string>
  /** Called when the engine did not answer, so that what it holds of ours may be left behind. */
  readonly missed: () => void
}

const MIB = 1024 * 1024
/** How long the engine may take until a container runs. */
const START_MS = 60_000

/**
 * Starts a program in a container of its own and resolves when the engine has started it.
 * @throws CatwalkError `sandbox_unavailable` with the engine's own words
 */
export async function runInContainer(
  parts: ContainerParts,
  command: ConfinedCommand,
  onRefused: (target: string, reason: string) => void,
  signal: AbortSignal,
): Promise<ConfinedProcess> {
  if (command.image !== undefined)
    return runImage(parts, { ...command, image: command.image }, onRefused, signal)
  return (await runOurs(parts, command, onRefused, signal)).process
}

/** Runs what our own first program starts. */
async function runOurs(
  parts: ContainerParts,
  command: ConfinedCommand,
  onRefused: (target: string, reason: string) => void,
  signal: AbortSignal,
): Promise<{ readonly name: string; readonly process: ConfinedProcess }> {
  signal.throwIfAborted()
  const { host } = parts
  const limit = anySignal([signal, AbortSignal.timeout(START_MS)])
  const egress = command.dial === null ? null : await openEgress(parts.sockets)
  const name = nameFor(parts)
  try {
    const { container, stream } = await create(
      parts,
      name,
      containerOptions(host, command, egress?.path ?? null),
      limit,
    )
    if (egress !== null && command.dial !== null) {
      const resolver = command.relay === undefined ? {} : { resolver: createResolver(command.relay.names) }
      egress.proxy = serveProxy(egress.server, {
        dial: command.dial,
        onRefused,
        ...resolver,
        ...PROXY_DEFAULTS,
      })
    }
    await container.start({ abortSignal: limit })
    stream.write(startMessage(command))
    const process = confinedProcess(parts, container, stream, async () => egress?.close())
    void process.ended.then(() => parts.held.delete(name))
    return { name, process }
  } catch (error) {
    noteMissing(parts, error)
    await egress?.close()
    await giveUp(parts, name)
    signal.throwIfAborted()
    throw notStarted(error, host.image)
  }
}

/** Runs a server in an image of its own, beside a container of ours that holds its network. */
async function runImage(
  parts: ContainerParts,
  command: ConfinedCommand & Required<Pick<ConfinedCommand, 'image'>>,
  onRefused: (target: string, reason: string) => void,
  signal: AbortSignal,
): Promise<ConfinedProcess> {
  const { image, identity } = command
  const places = await openPlaces(parts, command, identity)
  const name = nameFor(parts)
  let holder: ConfinedProcess | null = null
  const close = async (): Promise<void> => {
    holder?.kill()
    await holder?.ended
    await places.close()
  }
  try {
    const ours = await runOurs(parts, wayCommand(command, places.wayIn), onRefused, signal)
    holder = ours.process
    holder.stderr.resume()
    const limit = anySignal([signal, AbortSignal.timeout(START_MS)])
    await once(holder.stdout, 'data', { signal: limit })
    holder.stdout.resume()
    const options = imageOptions(parts.host, command, ours.name, places.files)
    const { container, stream } = await create(parts, name, options, limit)
    await container.start({ abortSignal: limit })
    const process = confinedProcess(parts, container, stream, close)
    void process.ended.then(() => parts.held.delete(name))
    return places.wayIn === null ? process : { ...process, way: waySocket(places.wayIn) }
  } catch (error) {
    noteMissing(parts, error)
    await giveUp(parts, name)
    await close()
    signal.throwIfAborted()
    if (error instanceof CatwalkError) throw error
    throw notStarted(error, image.reference)
  }
}

function nameFor({ host, held }: ContainerParts): string {
  const name = `catwalk-${host.installation}-${randomBytes(6).toString('hex')}`
  held.add(name)
  return name
}

/** By its name: whether it was made is not known when the engine's answer was not waited for. */
async function giveUp(parts: ContainerParts, name: string): Promise<void> {
  await removeContainer(parts, parts.engine.getContainer(name))
  parts.held.delete(name)
}

async function create(
  { engine }: ContainerParts,
  name: string,
  options: Docker.ContainerCreateOptions,
  signal: AbortSignal,
): Promise<{ readonly container: Docker.Container; readonly stream: Duplex }> {
  // Waited for though nobody wants it any more: what is still being made cannot be removed.
  const container = await engine.createContainer({
    ...options,
    name,
    abortSignal: AbortSignal.timeout(START_MS),
  })
  signal.throwIfAborted()
  const stream = await attach(container, signal)
  stream.on('error', () => undefined)
  return { container, stream }
}

async function attach(container: Docker.Container, signal: AbortSignal): Promise<Duplex> {
  const streams = { stream: true, stdin: true, stdout: true, stderr: true }
  // What an upgraded connection gives is its socket.
  return (await container.attach({ ...streams, hijack: true, abortSignal: signal })) as Duplex
}

function confinedProcess(
  parts: ContainerParts,
  container: Docker.Container,
  stream: Duplex,
  close: () => Promise<void>,
): ConfinedProcess {
  const kill = (): void => {
    // When it has ended, or the engine is away, `ended` knows.
    container.kill({ signal: 'SIGKILL' }).catch(() => undefined)
  }
  const ended = settleEnd(parts, container, stream, close)
  return {
    stdin: stream,
    ...splitStreams(stream, ended),
    ended,
    memoryMiB: async () => memoryOf(container),
    terminate: async () => {
      await container.kill({ signal: 'SIGTERM' }).catch(() => undefined)
    },
    kill,
  }
}

async function settleEnd(
  parts: ContainerParts,
  container: Docker.Container,
  stream: Duplex,
  close: () => Promise<void>,
): Promise<ProcessEnd> {
  const end = await waitForEnd(parts, container)
  await close()
  await removeContainer(parts, container)
  // Where the engine went away in the middle, the output has no end of its own.
  stream.destroy()
  return end
}

const UNKNOWN: ProcessEnd = { exitCode: null, signal: null, outOfMemory: false }

/** Never rejects: a container that the engine no longer knows has ended somehow. */
async function waitForEnd(parts: ContainerParts, container: Docker.Container): Promise<ProcessEnd> {
  const gone = await untilOver(parts.engine, container.id).then(
    () => true,
    (error: unknown) => {
      noteMissing(parts, error)
      return false
    },
  )
  if (!gone && !(await untilEnded(container))) return UNKNOWN
  const state = await container.inspect().then(
    ({ State }) => State,
    () => null,
  )
  if (state === null) return UNKNOWN
  return { ...decodeExit(state.ExitCode), outOfMemory: state.OOMKilled }
}

/**
 * Resolves when a container has ended. dockerode's own `wait` never settles when the engine goes away after the headers of
 * its answer, which it sends at once.
 * @throws when the engine does not know the container, or goes away
 */
async function untilOver(engine: Docker, id: string): Promise<void> {
  const answer = await new Promise<Readable>((resolve, reject) => {
    const statusCodes = { 200: true, 404: 'no such container', 500: 'server error' }
    const request = { path: `/containers/${id}/wait?`, method: 'POST', isStream: true, statusCodes }
    engine.modem.dial(request, (error, result) => {
      if (error !== null) reject(error)
      else if (result instanceof Readable) resolve(result)
      else reject(new Error('the engine gave no stream'))
    })
  })
  await finished(answer.resume())
}

const POLL_MS = 500
const ENGINE_AWAY_MS = 10_000

/**
 * The engine went away while we waited. Whoever holds our end of the container's streams holds nothing any more, so it is
 * ended as soon as the engine is there again. False when that does not happen in time, or the container is unknown.
 */
async function untilEnded(container: Docker.Container): Promise<boolean> {
  const giveUpAt = performance.now() + ENGINE_AWAY_MS
  while (performance.now() < giveUpAt) {
    try {
      const { State: state } = await container.inspect()
      if (!state.Running) return true
      await container.kill({ signal: 'SIGKILL' })
    } catch (error) {
      if (statusOf(error) === 404) return false
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
  return false
}

/** What cannot be removed because the engine is away is swept when it is back. */
async function removeContainer(parts: ContainerParts, container: Docker.Container): Promise<void> {
  await container.remove({ force: true, v: true }).catch((error: unknown) => {
    if (!isGone(error)) parts.missed()
  })
}

/** Whether the engine does not know a container any more, or is removing it for somebody else. */
export function isGone(error: unknown): boolean {
  return [404, 409].includes(statusOf(error) ?? 0)
}

async function memoryOf(container: Docker.Container): Promise<number | null> {
  const stats = await container.stats({ stream: false, 'one-shot': true }).catch(() => null)
  const memory = stats?.memory_stats
  if (memory?.usage === undefined) return null
  // What was read from files can be dropped at once: version 2 of control groups, then version 1.
  const dropped = memory.stats?.inactive_file ?? memory.stats?.total_inactive_file ?? 0
  return Math.round((memory.usage - dropped) / MIB)
}

interface Egress {
  readonly path: string
  readonly server: Server
  proxy: Proxy | null
  close(): Promise<void>
}

/** A socket that the relay in a container connects to. */
async function openEgress(directory: string): Promise<Egress> {
  await mkdir(directory, { recursive: true, mode: 0o711 })
  const path = join(directory, `${randomBytes(6).toString('hex')}.sock`)
  const server = createServer({ allowHalfOpen: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  // Programs in containers are other users.
  await chmod(path, 0o666)
  const egress: Egress = {
    path,
    server,
    proxy: null,
    close: async () => {
      egress.proxy?.close()
      server.close()
      await rm(path, { force: true })
    },
  }
  return egress
}

/** The status of the engine's answer; null when it did not answer. */
export function statusOf(error: unknown): number | null {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
    ? error.statusCode
    : null
}

/** The system's word for why there was no answer; null when it has none. */
export function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null
}

const CUT_OFF = new Set(['ECONNRESET', 'EPIPE'])

/** What failed because the engine was not there, or went in the middle, did not fail by itself. */
export function noteMissing({ missed }: ContainerParts, error: unknown): void {
  const isCut = CUT_OFF.has(codeOf(error) ?? '')
  const isAbsent = error instanceof Error && 'syscall' in error && error.syscall === 'connect'
  if (isCut || (isAbsent && codeOf(error) !== 'EACCES')) missed()
}

/** What the engine said, in one line. */
export function wordsOf(error: unknown): string {
  // dockerode's errors: `reason` is a word for the status, `json.message` what the engine says.
  if (error instanceof Error && 'json' in error && typeof error.json === 'object' && error.json !== null) {
    if ('message' in error.json && typeof error.json.message === 'string') return error.json.message
  }
  return error instanceof Error ? error.message : String(error)
}

/** gVisor, which lets containers have no socket unless it was told to. */
const SOCKET_REFUSED = /mount submount "[^"]*\.sock".* operation not permitted/

function notStarted(error: unknown, image: string): CatwalkError {
  const words = wordsOf(error)
  if (SOCKET_REFUSED.test(words)) {
    return new CatwalkError(
      'sandbox_unavailable',
      `The container may not use a socket of this machine: ${words}`,
      {
        help: 'gVisor needs the argument --host-uds=all in /etc/docker/daemon.json, see docs/docker.md.',
        cause: error,
      },
    )
  }
  if (words.includes('bind source path does not exist')) {
    return new CatwalkError(
      'sandbox_unavailable',
      `The Docker engine does not see this machine's files (${words}): it is on another machine, in a virtual machine (Docker Desktop), or Catwalk itself is in a container.`,
      { help: ENGINE_ELSEWHERE, cause: error },
    )
  }
  return new CatwalkError('sandbox_unavailable', `The container did not start: ${words}`, {
    help: helpFor(error, image),
    cause: error,
  })
}

/** What else there is for whoever has an engine that is not here. */
export const ENGINE_ELSEWHERE =
  'Use the engine of the system that Catwalk itself runs on. For other machines: Kubernetes, Fly, or Catwalk there with CATWALK_ROLES=reconciler, see docs/docker.md.'

function helpFor(error: unknown, image: string): string {
  if (statusOf(error) === 404) return `Build or pull the image ${image} on the engine.`
  return statusOf(error) === null
    ? 'Start the Docker engine, and let the user that runs Catwalk use its socket.'
    : 'See docs/docker.md.'
}
