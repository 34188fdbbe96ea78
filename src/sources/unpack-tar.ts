import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { Parser, type ReadEntry } from 'tar'
import { CatwalkError, quoted, type SnapshotFile } from '../domain/index.ts'
import { createEntryRules, malformed, mib, tooLarge, type EntryRules } from './entry-rules.ts'
import type { SourceLimits } from './limits.ts'
import { createTreeWriter, type TreeWriter } from './write-tree.ts'

export interface UnpackOptions {
  /** Fresh and empty. */
  readonly directory: string
  readonly limits: SourceLimits
  /** Folders that all paths begin with. */
  readonly strip: number
  readonly signal: AbortSignal
}

/** Headers and padding come on top of the files' own bytes. */
const OVERHEAD_BYTES_PER_ENTRY = 4096

/**
 * Unpacks a tar archive, compressed by gzip or not, as it arrives. Memory is bounded by the largest file.
 * @throws CatwalkError `source_malformed`, `source_too_large`; other errors of the stream as they are
 */
export async function unpackTar(
  archive: Readable,
  compression: 'gzip' | 'none',
  { directory, limits, strip, signal }: UnpackOptions,
): Promise<readonly SnapshotFile[]> {
  const writer = createTreeWriter(directory)
  const parser = new Parser({ strict: true, maxMetaEntrySize: 64 * 1024, maxDecompressionRatio: Infinity })
  const failures: unknown[] = []
  const fail = (error: unknown): void => void failures.push(error)
  const rules = createEntryRules(limits, strip)
  parser.on('entry', (entry: ReadEntry) => {
    try {
      takeEntry(entry, rules, writer)
    } catch (error) {
      fail(error)
      entry.resume()
    }
  })
  parser.on('ignoredEntry', () =>
    fail(malformed('The archive has entries of an unknown kind or with oversized headers.')),
  )
  parser.on('error', (error: unknown) =>
    fail(malformed('The archive is damaged or not a tar archive.', error)),
  )

  const maxBytes = limits.unpackedBytes + limits.entries * OVERHEAD_BYTES_PER_ENTRY
  let bytes = 0
  try {
    for await (const chunk of decompressed(archive, compression, limits, signal)) {
      if (bytes === 0) refuseNestedCompression(chunk)
      bytes += chunk.length
      if (bytes > maxBytes) throw tooLarge(`The archive unpacks to more than ${mib(maxBytes)}.`)
      // Entries are read as they come, so that nothing waits in the parser.
      parser.write(chunk)
      throwFirst(failures)
      await writer.settle()
      signal.throwIfAborted()
    }
    parser.end()
    throwFirst(failures)
    return await writer.finish(limits.unpackedBytes)
  } finally {
    await writer.abandon()
  }
}

function throwFirst([failure]: readonly unknown[]): void {
  if (failure !== undefined) throw asError(failure)
}

function asError(failure: unknown): Error {
  return failure instanceof Error ? failure : new Error('the archive could not be read', { cause: failure })
}

/** Takes in files, folders and links; what else there is, is refused. */
function takeEntry(entry: ReadEntry, rules: EntryRules, writer: TreeWriter): void {
  const type: string = entry.type
  switch (type) {
    case 'File':
    case 'OldFile':
    case 'ContiguousFile': {
      const path = rules.file(entry.path, entry.size)
      const chunks: Buffer[] = []
      entry.on('data', (chunk) => chunks.push(Buffer.from(chunk)))
      entry.on('end', () => {
        const isExecutable = ((entry.mode ?? 0) & 0o100) !== 0
        if (path !== null) writer.write(path, Buffer.concat(chunks), isExecutable)
      })
      return
    }
    case 'Directory':
      rules.folder(entry.path)
      entry.resume()
      return
    case 'SymbolicLink':
    case 'Link': {
      const base = type === 'Link' ? 'root' : 'own folder'
      const link = rules.link(entry.path, entry.linkpath ?? '', base)
      if (link !== null) writer.link(link.path, link.target)
      entry.resume()
      return
    }
    default:
      throw malformed(`It holds a device or another special file: ${quoted(entry.path)}.`)
  }
}

async function* decompressed(
  archive: Readable,
  compression: 'gzip' | 'none',
  limits: SourceLimits,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const counted = countBytes(archive, limits.archiveBytes, signal)
  if (compression === 'none') {
    yield* counted
    return
  }
  const gunzip = createGunzip()
  const feeding = feed(counted, gunzip)
  try {
    yield* gunzip as AsyncIterable<Buffer>
    await feeding
  } catch (error) {
    // The cause is on the side of the archive where that failed first.
    await feeding
    throw error instanceof CatwalkError
      ? error
      : malformed('The archive is damaged or not compressed by gzip.', error)
  } finally {
    gunzip.destroy()
    archive.destroy()
    await feeding.catch(() => undefined)
  }
}

async function feed(source: AsyncIterable<Buffer>, gunzip: ReturnType<typeof createGunzip>): Promise<void> {
  try {
    for await (const chunk of source) {
      if (gunzip.destroyed) return
      if (!gunzip.write(chunk)) await drained(gunzip)
    }
    gunzip.end()
  } catch (error) {
    gunzip.destroy(error instanceof Error ? error : new Error('the archive broke off', { cause: error }))
    throw error
  }
}

function drained(gunzip: ReturnType<typeof createGunzip>): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      gunzip.off('drain', done)
      gunzip.off('close', done)
      resolve()
    }
    gunzip.on('drain', done)
    gunzip.on('close', done)
  })
}

/** Passes an archive on, up to a limit. */
async function* countBytes(archive: Readable, maxBytes: number, signal: AbortSignal): AsyncGenerator<Buffer> {
  let bytes = 0
  const stop = (): void => void archive.destroy(new Error('gave up'))
  signal.addEventListener('abort', stop, { once: true })
  try {
    for await (const chunk of archive as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > maxBytes) throw tooLarge(`The archive is larger than ${mib(maxBytes)}.`)
      yield chunk
    }
  } finally {
    signal.removeEventListener('abort', stop)
    signal.throwIfAborted()
  }
}

/** The parser would unpack a second time what is compressed twice, past our counting. */
function refuseNestedCompression(chunk: Buffer): void {
  const magic = chunk.subarray(0, 4).toString('hex')
  if (/^(?:1f8b|28b52ffd)/.test(magic)) throw malformed('The archive is compressed more than once.')
}
