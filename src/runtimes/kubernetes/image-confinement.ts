import { PassThrough, Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { anySignal, CatwalkError, type LineSink } from '../../domain/index.ts'
import {
  withoutProxy,
  type ConfinedCommand,
  type ConfinedProcess,
  type Confinement,
} from '../confined/index.ts'
import { attach, type Attachment } from './attachment.ts'
import { explained } from './explained.ts'
import type { Fleet, RunningPod } from './fleet.ts'
import { SERVER_CONTAINER, type ImageRun } from './image-pod.ts'
import type { Owner } from './names.ts'
import type { PodNetwork } from './network-policy.ts'
import { EXIT_UNKNOWN, type ContainerExit } from './pod-state.ts'

export interface ImagePodOptions {
  readonly fleet: Fleet
  /** Of the instance; each of its processes is in a pod of its own. */
  readonly owner: Owner
  readonly memoryMiB: number
  readonly network: PodNetwork
  /** For a pod to be scheduled, its image to be fetched and its program to run. */
  readonly startTimeoutMs: number
  readonly output: LineSink
}

/** Runs the processes of one instance of an image in pods. */
export interface ImagePods extends Pick<Confinement, 'run'> {
  /** Resolves when no pod of the instance that has ended is left. */
  settled(): Promise<void>
}

/** For the last output to arrive once the container has ended, and for the news of its end once its streams have. */
const NEWS_MS = 2_000
/** For a container to be ended by its node, before nobody waits for the news any more. */
const KILL_MS = 8_000
const LOG_MS = 5_000
const REATTACH_MS = 1_000
/** What a Secret of Kubernetes holds, less a little for the rest of it. */
const MOST_BYTES = 1_000_000

export function createImagePods(options: ImagePodOptions): ImagePods {
  const { fleet, memoryMiB, network, startTimeoutMs, output } = options
  const resting = new Set<Promise<void>>()
  let count = 0

  function rest(owner: Owner): void {
    const done = fleet.rest(owner).finally(() => resting.delete(done))
    resting.add(done)
  }

  return {
    async settled() {
      await Promise.all(resting)
    },
    async run(command, _onRefused, signal) {
      const owner = { ...options.owner, process: ++count }
      const run = imageRun(command)
      const limit = anySignal([signal, AbortSignal.timeout(startTimeoutMs)])
      try {
        const pod = await fleet.start({ owner, memoryMiB, network, run }, limit)
        // Its container has been made, and no other one is to be made.
        void fleet.forgetSecret(owner)
        return await openProcess({ fleet, owner, run, pod, output, rest: () => rest(owner) }, limit)
      } catch (error) {
        rest(owner)
        signal.throwIfAborted()
        if (error instanceof CatwalkError || !limit.aborted) throw explained(error)
        const seconds = Math.round(startTimeoutMs / 1_000)
        throw new CatwalkError('unavailable', `Kubernetes had no pod running within ${seconds} s.`, {
          cause: error,
        })
      }
    },
  }
}

/** @throws CatwalkError `install_failed` for what no Secret holds */
function imageRun({ argv, argvIsPublic, environment, files, image }: ConfinedCommand): ImageRun {
  const reference = image?.reference ?? ''
  const own = withoutProxy(environment)
  const run: ImageRun = {
    kind: 'image',
    reference,
    argv,
    argvIsPublic: argvIsPublic === true,
    environment: own,
    files,
    port: image?.port ?? null,
  }
  const size = [...argv, ...own.values(), ...files.map(({ content }) => content)].reduce(
    (sum, value) => sum + Buffer.byteLength(value),
    0,
  )
  if (size <= MOST_BYTES) return run
  throw new CatwalkError('install_failed', 'The credentials are more than a Secret holds (1 MiB).')
}

interface Parts {
  readonly fleet: Fleet
  readonly owner: Owner
  readonly run: ImageRun
  readonly pod: RunningPod
  readonly output: LineSink
  /** Ends the pod, now and in the background. */
  readonly rest: () => void
}

async function openProcess(parts: Parts, limit: AbortSignal): Promise<ConfinedProcess> {
  const { fleet, owner, run, pod, output, rest } = parts
  const over = new AbortController()
  const end = Promise.withResolvers<ContainerExit>()
  const exit = fleet.untilExited(owner, pod.name, over.signal)
  exit.catch(() => undefined)
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const told = new Set<string>()
  let heard = false
  let isOver = false

  /** What it printed while nobody was attached. What has come through an attachment by now is left to that. */
  async function tellLog(attachment: Attachment | null = null): Promise<void> {
    const lines = await fleet.lastLines(pod.name, AbortSignal.timeout(LOG_MS))
    const arrived = attachment === null ? [] : [attachment.stdout, attachment.stderr].flatMap(linesIn)
    for (const line of lines) {
      if (!told.has(line) && !arrived.includes(line)) stderr.write(`${line}\n`)
      told.add(line)
    }
  }

  function hear(attachment: Attachment): void {
    attachment.stderr.once('data', () => (heard = true)).pipe(stderr, { end: false })
    attachment.stdout.pipe(stdout, { end: false })
  }

  async function finish(found: ContainerExit): Promise<void> {
    if (isOver) return
    isOver = true
    over.abort()
    if (!heard) await tellLog()
    if (found.why !== null) output('system', `Kubernetes has ended the server: ${found.why}`)
    rest()
    end.resolve(found)
    stdout.end()
    stderr.end()
  }

  async function overInput(): Promise<Writable> {
    const attachment = await attachOrEnded(limit)
    if (attachment === null) {
      void exit.then(finish).catch(() => undefined)
      return nowhere()
    }
    // Read once attached, so that nothing is printed between the two, and before it is asked anything.
    await tellLog(attachment)
    hear(attachment)
    // From here on its log also has its answers, which are for its callers alone.
    heard = true
    void (async () => {
      const first = await Promise.race([exit, attachment.over.then(() => null)])
      if (first !== null) {
        await Promise.race([attachment.over, delay(NEWS_MS)])
        attachment.close()
        return finish(first)
      }
      const found = await Promise.race([exit, delay(NEWS_MS, null)])
      if (found === null) {
        output(
          'system',
          'The connection to the server in its pod broke. What it says now is lost, so it is ended.',
        )
      }
      return finish(found ?? EXIT_UNKNOWN)
    })().catch(async () => finish(EXIT_UNKNOWN))
    return attachment.stdin
  }

  /** Null when the container has ended already. */
  async function attachOrEnded(signal: AbortSignal): Promise<Attachment | null> {
    const target = { pod: pod.name, container: SERVER_CONTAINER, stdin: run.port === null }
    const trying = new AbortController()
    const within = anySignal([signal, trying.signal])
    const attaching = attach(fleet.cluster, target, within)
    attaching.catch(() => undefined)
    const ended = exit.then(() => null)
    try {
      return await Promise.race([attaching, ended])
    } catch (error) {
      // The news that it has ended may be on its way.
      const found = await Promise.race([exit, delay(NEWS_MS, undefined)])
      if (found === undefined) throw error
      return null
    } finally {
      trying.abort(new Error('not needed any more'))
    }
  }

  /** What it prints, for as long as it runs; lost is what it prints while the way is broken. */
  async function readOutput(): Promise<void> {
    let isFirst = true
    for (;;) {
      const attachment = await attachOrEnded(over.signal).catch(() => undefined)
      if (attachment === null) return
      if (attachment !== undefined) {
        if (isFirst) await tellLog(attachment)
        isFirst = false
        hear(attachment)
        const found = await Promise.race([exit, attachment.over.then(() => null)])
        if (found !== null) await Promise.race([attachment.over, delay(NEWS_MS)])
        attachment.close()
        if (found !== null) return
      }
      await delay(REATTACH_MS, undefined, { signal: over.signal })
    }
  }

  function overPort(): Writable {
    const reading = readOutput().catch(() => undefined)
    void (async () => {
      const found = await exit
      await Promise.race([reading, delay(NEWS_MS)])
      await finish(found)
    })().catch(() => undefined)
    return nowhere()
  }

  const stdin = run.port === null ? await overInput() : overPort()
  return {
    stdin,
    stdout,
    stderr,
    ended: end.promise,
    ...(pod.host === null || run.port === null ? {} : { way: `${pod.host}:${run.port}` }),
    memoryMiB: async () => null,
    terminate: async () => rest(),
    kill() {
      // Its node ends it by force when its time is up. Nobody waits for ever for the news of it.
      setTimeout(() => void finish(EXIT_UNKNOWN), KILL_MS).unref()
      rest()
    },
  }
}

/** The lines that wait to be read, which stay where they are. */
function linesIn(stream: PassThrough): readonly string[] {
  // A stream without an encoding gives buffers.
  const waiting = stream.read() as Buffer | null
  if (waiting === null) return []
  stream.unshift(waiting)
  return waiting.toString().split('\n')
}

/** Takes what nobody reads. */
function nowhere(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() })
}
