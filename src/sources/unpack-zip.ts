import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fromFd, type Entry, type ZipFile } from 'yauzl'
import { CatwalkError, quoted, type SnapshotFile } from '../domain/index.ts'
import { createEntryRules, malformed } from './entry-rules.ts'
import type { UnpackOptions } from './unpack-tar.ts'
import { createTreeWriter } from './write-tree.ts'

const KIND_BITS = 0o170000
const LINK = 0o120000
const REGULAR = new Set([0, 0o100000, 0o040000])

/**
 * Unpacks a zip archive, as wheels are. Its directory is at its end, so the archive is a file first.
 * @param scratch a directory for that file
 * @throws CatwalkError `source_malformed`, `source_too_large`
 */
export async function unpackZip(
  archive: AsyncIterable<Buffer>,
  scratch: string,
  options: UnpackOptions,
): Promise<readonly SnapshotFile[]> {
  const stored = join(scratch, 'archive.zip')
  await writeFile(stored, archive, { flag: 'wx', mode: 0o600, signal: options.signal })
  return unpackZipFile(stored, options)
}

/** The same of an archive that is a file already. */
export async function unpackZipFile(
  stored: string,
  { directory, limits, strip, signal }: UnpackOptions,
): Promise<readonly SnapshotFile[]> {
  await using file = await open(stored)
  const writer = createTreeWriter(directory)
  try {
    const zip = await openZip(file.fd)
    const rules = createEntryRules(limits, strip)
    for await (const entry of entriesOf(zip)) {
      signal.throwIfAborted()
      const mode = entry.externalFileAttributes >>> 16
      if ((mode & KIND_BITS) === LINK || !REGULAR.has(mode & KIND_BITS)) {
        throw malformed(`It holds a link or special file: ${quoted(entry.fileName)}.`)
      }
      if (entry.fileName.endsWith('/')) {
        rules.folder(entry.fileName)
        continue
      }
      const path = rules.file(entry.fileName, entry.uncompressedSize)
      if (path !== null) writer.write(path, await contentOf(zip, entry), (mode & 0o100) !== 0)
      await writer.settle()
    }
    return await writer.finish(limits.unpackedBytes)
  } catch (error) {
    signal.throwIfAborted()
    throw error instanceof CatwalkError
      ? error
      : malformed('The archive is damaged or not a zip archive.', error)
  } finally {
    await writer.abandon()
  }
}

function openZip(fd: number): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    fromFd(fd, { lazyEntries: true, autoClose: false, strictFileNames: true }, (error, zip) => {
      if (error === null) resolve(zip)
      else reject(error)
    })
  })
}

async function* entriesOf(zip: ZipFile): AsyncGenerator<Entry> {
  for (;;) {
    const entry = await new Promise<Entry | null>((resolve, reject) => {
      zip.removeAllListeners()
      zip.once('entry', resolve)
      zip.once('end', () => resolve(null))
      zip.once('error', reject)
      zip.readEntry()
    })
    if (entry === null) return
    yield entry
  }
}

/** No longer than the entry says: the library ends a stream that goes on. */
async function contentOf(zip: ZipFile, entry: Entry): Promise<Buffer> {
  const stream = await new Promise<Readable>((resolve, reject) => {
    zip.openReadStream(entry, (error, opened) => {
      if (error === null) resolve(opened)
      else reject(error)
    })
  })
  const chunks: Buffer[] = []
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}
