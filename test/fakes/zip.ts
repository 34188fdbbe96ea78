import { crc32, deflateRawSync } from 'node:zlib'

export interface ZipEntry {
  readonly path: string
  readonly content: string | Buffer
  /** As Unix keeps it, kind included; default: a regular file. */
  readonly mode?: number
  /** What the archive says that the content has; default: the truth. */
  readonly claimedBytes?: number
}

/** A zip archive in the form that wheels have (APPNOTE.TXT 4.3: local headers, then the directory, then its end). */
export function makeZip(contents: readonly ZipEntry[] | Readonly<Record<string, string>>): Buffer {
  const entries: readonly ZipEntry[] = isList(contents)
    ? contents
    : Object.entries(contents).map(([path, content]) => ({ path, content }))
  const bodies: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const { path, content, mode = 0o100644, claimedBytes } of entries) {
    const name = Buffer.from(path)
    const data = Buffer.from(content)
    const packed = deflateRawSync(data)
    const shared = Buffer.alloc(26)
    shared.writeUInt16LE(20, 0)
    shared.writeUInt16LE(0x0800, 2)
    shared.writeUInt16LE(8, 4)
    // 1 January 1980, the first day that the format knows.
    shared.writeUInt16LE(0x21, 8)
    shared.writeUInt32LE(crc32(data), 10)
    shared.writeUInt32LE(packed.length, 14)
    shared.writeUInt32LE(claimedBytes ?? data.length, 18)
    shared.writeUInt16LE(name.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), shared, name, packed])
    const central = Buffer.alloc(16)
    central.writeUInt32LE(mode * 0x10000, 6)
    central.writeUInt32LE(offset, 10)
    directory.push(
      Buffer.concat([Buffer.from('PK\x01\x02\x14\x03', 'latin1'), shared, central.subarray(0, 14), name]),
    )
    bodies.push(local)
    offset += local.length
  }
  const index = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 0, 'latin1')
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(index.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...bodies, index, end])
}

function isList(
  contents: readonly ZipEntry[] | Readonly<Record<string, string>>,
): contents is readonly ZipEntry[] {
  return Array.isArray(contents)
}
