import { createHash } from 'node:crypto'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CatwalkError,
  quoted,
  type BundleSource,
  type PinnedSource,
  type SnapshotFile,
} from '../domain/index.ts'
import { withRetries, type HttpClient } from '../network/index.ts'
import { tooLarge, mib } from './entry-rules.ts'
import type { SourceLimits } from './limits.ts'
import { UNFINISHED } from './snapshot-cache.ts'
import type { UnpackOptions } from './unpack-tar.ts'
import { unpackZipFile } from './unpack-zip.ts'

export interface BundleReaderOptions {
  readonly http: HttpClient
  readonly limits: SourceLimits
  /** Of the snapshots; what a crash leaves there is swept. */
  readonly directory: string
}

/** Unpacks a bundle into a fresh directory. */
type Unpack = (directory: string) => Promise<readonly SnapshotFile[]>

export interface BundleReader {
  /**
   * What is at the address now; only its hash can tell, so it is downloaded, and given to `keep` at once.
   * @throws CatwalkError `source_not_found`, `source_forbidden`, `source_unavailable`, `source_too_large`,
   *   `source_malformed`; HttpFailure
   */
  pin(
    source: BundleSource,
    unpack: Omit<UnpackOptions, 'directory'>,
    keep: (pinned: PinnedSource, make: Unpack) => Promise<void>,
  ): Promise<PinnedSource>
  /** Downloads and unpacks what a pin stands for. @throws as `pin` */
  read(
    source: BundleSource,
    content: string,
    scratch: string,
    unpack: UnpackOptions,
  ): Promise<readonly SnapshotFile[]>
}

/** Reads MCP bundles from wherever they are published. */
export function createBundleReader({ http, limits, directory }: BundleReaderOptions): BundleReader {
  /** @returns the SHA-256 in hex of what is then in the file */
  const download = async (address: string, target: string, signal: AbortSignal): Promise<string> => {
    const url = new URL(address)
    const headers = { accept: 'application/octet-stream' }
    const response = await withRetries(() => http.request(url, { headers, signal }), { signal })
    if (response.status !== 200) {
      response.body.destroy()
      throw refusal(response.status, url)
    }
    await using file = await open(target, 'wx+', 0o600)
    const hash = createHash('sha256')
    let bytes = 0
    const stop = (): void => void response.body.destroy(new Error('given up'))
    signal.addEventListener('abort', stop, { once: true })
    try {
      for await (const chunk of response.body as AsyncIterable<Buffer>) {
        bytes += chunk.length
        if (bytes > limits.archiveBytes)
          throw tooLarge(`The bundle is larger than ${mib(limits.archiveBytes)}.`)
        hash.update(chunk)
        await file.write(chunk)
      }
    } catch (error) {
      signal.throwIfAborted()
      throw error instanceof CatwalkError
        ? error
        : new CatwalkError('source_unavailable', `${url.host} broke off.`, { cause: error })
    } finally {
      signal.removeEventListener('abort', stop)
    }
    await withoutSignature(file, bytes)
    return hash.digest('hex')
  }

  return {
    pin: async (source, unpack, keep) => {
      const { url, sha256 } = source
      if (sha256 !== null) return { source, content: sha256, url: `${url}#sha256=${sha256}` }
      const work = await mkdtemp(join(directory, UNFINISHED))
      try {
        const stored = join(work, 'bundle.zip')
        const content = await download(url, stored, unpack.signal)
        const pinned = { source: { ...source, sha256: content }, content, url: `${url}#sha256=${content}` }
        await keep(pinned, (into) => unpackZipFile(stored, { ...unpack, directory: into }))
        return pinned
      } finally {
        await rm(work, { recursive: true, force: true })
      }
    },
    read: async ({ url }, content, scratch, unpack) => {
      const stored = join(scratch, 'bundle.zip')
      if ((await download(url, stored, unpack.signal)) !== content) {
        throw new CatwalkError(
          'source_malformed',
          `The bundle at ${url} is not the one that it was: its SHA-256 is another.`,
          { help: 'To take what is there now, analyse its address without the SHA-256.' },
        )
      }
      return unpackZipFile(stored, unpack)
    },
  }
}

const MARK = Buffer.from('MCPB_SIG_V1')
const END_MARK = Buffer.from('MCPB_SIG_END')
const MAX_SIGNATURE_BYTES = 64 * 1024

/** Cuts off what `mcpb sign` appends: a mark, a PKCS#7 signature with its length, and another mark. Nobody checks it here. */
async function withoutSignature(file: Awaited<ReturnType<typeof open>>, bytes: number): Promise<void> {
  const tail = Buffer.alloc(Math.min(bytes, MAX_SIGNATURE_BYTES))
  await file.read(tail, 0, tail.length, bytes - tail.length)
  if (!tail.subarray(-END_MARK.length).equals(END_MARK)) return
  const at = tail.lastIndexOf(MARK)
  if (at !== -1) await file.truncate(bytes - tail.length + at)
}

function refusal(status: number, { host }: URL): CatwalkError {
  switch (status) {
    case 404:
    case 410:
      return new CatwalkError('source_not_found', `There is no bundle at this address of ${quoted(host)}.`, {
        help: 'Look at the address. A file of a private repository cannot be had by it.',
      })
    case 401:
    case 403:
      return new CatwalkError('source_forbidden', `${quoted(host)} does not give out the bundle.`)
    default:
      return new CatwalkError('source_unavailable', `${quoted(host)} answers with status ${status}.`)
  }
}
