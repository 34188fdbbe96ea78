import { PassThrough, Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { anySignal, CatwalkError } from '../../domain/index.ts'
import { KubernetesRefusal, type AttachTarget, type ChannelSocket, type Cluster } from './cluster.ts'

/** The standard streams of a container, for as long as the way to them holds. */
export interface Attachment {
  /** Its end is the end of the container's input. */
  readonly stdin: Writable
  /** Does not end by itself: who holds it knows whether the container did. */
  readonly stdout: PassThrough
  /** As stdout. */
  readonly stderr: PassThrough
  /** Resolves when nothing comes any more, because the container ended or the way broke. */
  readonly over: Promise<void>
  close(): void
}

/** Numbers of the streams in `v4.channel.k8s.io` and `v5.channel.k8s.io`. */
const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, status: 3, close: 255 } as const
/** The protocol in which a single stream can be closed. */
const CLOSES_STREAMS = 'v5.channel.k8s.io'
const KEEP_ALIVE_MS = 15_000
/** Nothing heard for so long, not even the answer to a ping: the way is dead. */
const SILENT_MS = 60_000
const ATTACH_MS = 20_000
const RETRY_MS = 200
/** What the API server says of a pod that it cannot reach yet, or of itself while it starts. */
const PASSING = new Set([408, 429, 500, 502, 503, 504])

export interface AttachLimits {
  readonly keepAliveMs: number
  readonly silentMs: number
}

/**
 * Attaches to a container; tries again for a while where that may help.
 * @throws KubernetesRefusal, CatwalkError `unavailable`, the signal's reason
 */
export async function attach(
  cluster: Cluster,
  target: AttachTarget,
  signal: AbortSignal,
  limits: AttachLimits = { keepAliveMs: KEEP_ALIVE_MS, silentMs: SILENT_MS },
): Promise<Attachment> {
  const limit = anySignal([signal, AbortSignal.timeout(ATTACH_MS)])
  for (;;) {
    const streams = createStreams(limits)
    try {
      return streams.opened(await cluster.attach(target, streams.take, limit))
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof KubernetesRefusal && !PASSING.has(error.status)) throw error
      if (limit.aborted) {
        throw new CatwalkError('unavailable', 'Kubernetes does not open the streams of the server.', {
          cause: error,
        })
      }
      await delay(RETRY_MS, undefined, { signal }).catch(() => undefined)
    }
  }
}

function createStreams({ keepAliveMs, silentMs }: AttachLimits): {
  readonly take: (channel: number, bytes: Buffer) => void
  readonly opened: (socket: ChannelSocket) => Attachment
} {
  const over = Promise.withResolvers<void>()
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const full = new Set<PassThrough>()
  let socket: ChannelSocket | null = null
  let heardAt = performance.now()

  const put = (stream: PassThrough, bytes: Buffer): void => {
    if (stream.destroyed || stream.writableEnded || stream.write(bytes)) return
    full.add(stream)
    // Both come over one connection: who does not read one does not get the other.
    socket?.pause()
    stream.once('drain', () => {
      full.delete(stream)
      if (full.size > 0) return
      heardAt = performance.now()
      socket?.resume()
    })
  }

  return {
    take(channel, bytes) {
      heardAt = performance.now()
      if (channel === CHANNEL.stdout) put(stdout, bytes)
      else if (channel === CHANNEL.stderr) put(stderr, bytes)
      // The last word: the streams have ended, for whatever reason. How the container ended is in the pod's status.
      else if (channel === CHANNEL.status) socket?.close()
    },
    opened(connected) {
      socket = connected
      if (full.size > 0) connected.pause()
      connected.on('pong', () => {
        heardAt = performance.now()
      })
      const timer = setInterval(() => {
        // Who does not read hears nothing either.
        if (full.size === 0 && performance.now() - heardAt > silentMs) return connected.terminate()
        connected.ping()
        // Pings keep what stands between awake, and find a dead way; nodes count messages alone, and an empty one is none.
        connected.send(Buffer.alloc(0), () => undefined)
      }, keepAliveMs)
      timer.unref()
      connected.on('close', () => {
        clearInterval(timer)
        over.resolve()
      })
      const stdin = new Writable({
        write(chunk: Buffer, _encoding, done) {
          // What cannot be sent any more is no error here: that the way broke is told by `over`.
          connected.send(Buffer.concat([Buffer.of(CHANNEL.stdin), chunk]), () => done())
        },
        final(done) {
          if (connected.protocol === CLOSES_STREAMS)
            connected.send(Buffer.of(CHANNEL.close, CHANNEL.stdin), () => done())
          else {
            // The only way to say it in earlier versions; the last words are lost then.
            connected.close()
            done()
          }
        },
      })
      return { stdin, stdout, stderr, over: over.promise, close: () => connected.terminate() }
    },
  }
}
