import { gzipSync } from 'node:zlib'

export interface TarEntry {
  readonly path: string
  readonly content: string | Buffer
  readonly mode?: number
  /** Default: a file. The others have no content. */
  readonly type?: 'file' | 'folder' | 'symlink' | 'hardlink' | 'device' | 'pipe' | 'global'
  /** Where a link leads. */
  readonly target?: string
}

const BLOCK = 512
const FLAGS = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  device: '3',
  folder: '5',
  pipe: '6',
  global: 'g',
} as const

/** A gzipped tar archive in the form that npm packages and GitHub's archives have (POSIX pax over ustar). */
export function makeTarball(entries: readonly TarEntry[]): Buffer {
  return gzipSync(makeTar(entries))
}

/** The same without compression. */
export function makeTar(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...entries.flatMap(blocksOf), Buffer.alloc(2 * BLOCK)])
}

/** What a global header of pax says, such as the commit in GitHub's archives. */
export function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`
  let length = Buffer.byteLength(rest)
  while (String(length).length + Buffer.byteLength(rest) !== length) length += 1
  return `${length}${rest}`
}

function blocksOf(entry: TarEntry): Buffer[] {
  const { path, content, mode = 0o644, type = 'file', target = '' } = entry
  const data = Buffer.from(content)
  const long = [
    ...(Buffer.byteLength(path) > 99 ? [paxRecord('path', path)] : []),
    ...(Buffer.byteLength(target) > 99 ? [paxRecord('linkpath', target)] : []),
  ].join('')
  const extended =
    long === '' ? [] : record(header('pax', Buffer.byteLength(long), 0o644, 'x', ''), Buffer.from(long))
  return [...extended, ...record(header(path, data.length, mode, FLAGS[type], target), data)]
}

function record(head: Buffer, data: Buffer): Buffer[] {
  return [head, data, Buffer.alloc((BLOCK - (data.length % BLOCK)) % BLOCK)]
}

/** One header block; `size` need not be the truth. */
export function header(path: string, size: number, mode: number, flag: string, target: string): Buffer {
  const block = Buffer.alloc(BLOCK)
  block.write(path, 0, 99)
  block.write(octal(mode, 8), 100)
  block.write(octal(0, 8), 108)
  block.write(octal(0, 8), 116)
  block.write(octal(size, 12), 124)
  block.write(octal(0, 12), 136)
  block.write(' '.repeat(8), 148)
  block.write(flag, 156)
  block.write(target, 157, 99)
  block.write('ustar\x0000', 257, 'latin1')
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

function octal(value: number, width: number): string {
  return `${value.toString(8).padStart(width - 1, '0')}\0`
}
