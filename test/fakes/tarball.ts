import { gzipSync } from 'node:zlib'

export interface TarEntry {
  readonly path: string
  readonly content: string
  readonly mode?: number
}

const BLOCK = 512

/** A gzipped tar archive in the form that npm packages have (POSIX ustar; paths under 100 bytes). */
export function makeTarball(entries: readonly TarEntry[]): Buffer {
  const blocks = entries.flatMap(({ path, content, mode = 0o644 }) => {
    const data = Buffer.from(content)
    const padding = Buffer.alloc((BLOCK - (data.length % BLOCK)) % BLOCK)
    return [header(path, data.length, mode), data, padding]
  })
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]))
}

function header(path: string, size: number, mode: number): Buffer {
  const block = Buffer.alloc(BLOCK)
  block.write(path, 0)
  block.write(octal(mode, 8), 100)
  block.write(octal(0, 8), 108)
  block.write(octal(0, 8), 116)
  block.write(octal(size, 12), 124)
  block.write(octal(0, 12), 136)
  block.write(' '.repeat(8), 148)
  block.write('0', 156)
  block.write('ustar\x0000', 257, 'latin1')
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

function octal(value: number, width: number): string {
  return `${value.toString(8).padStart(width - 1, '0')}\0`
}
