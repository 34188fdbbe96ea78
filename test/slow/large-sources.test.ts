import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createGzip } from 'node:zlib'
import { expect, test } from 'vitest'
import { startGithub } from '../fakes/github.ts'
import { makeTarball } from '../fakes/tarball.ts'
import { openSources, read } from '../sources/support.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const GIB = 1024 ** 3

/** What the installation's own limits say to a repository with this archive, and what is left of it. */
async function refused(
  archive: NonNullable<Parameters<Awaited<ReturnType<typeof startGithub>>['publish']>[0]['archive']>,
): Promise<string> {
  await using directory = await temporaryDirectory()
  await using github = await startGithub()
  github.publish({ name: 'evil/large', files: { a: '1' }, archive })
  using sources = await openSources(join(directory.path, 'snapshots'), { githubApiUrl: github.url })
  const { code } = await catwalkErrorOf(read(sources, 'evil/large'))
  expect(await readdir(join(directory.path, 'snapshots'))).toEqual([])
  return code
}

test('a repository of 100,000 files is refused within its limits, and nothing is left of it', async () => {
  const archive = makeTarball(
    Array.from({ length: 100_000 }, (_, n) => ({ path: `r/${n}.txt`, content: 'x' })),
  )
  expect(await refused((res) => res.end(archive))).toBe('source_too_large')
})

test('ten gigabytes in ten megabytes are refused long before they are unpacked', async () => {
  expect(
    await refused((res) => {
      const zeros = Buffer.alloc(1024 * 1024)
      const compressed = createGzip()
      compressed.pipe(res)
      let left = 10 * GIB
      const more = (): void => {
        while (left > 0 && !res.destroyed) {
          left -= zeros.length
          if (!compressed.write(zeros)) return void compressed.once('drain', more)
        }
        compressed.end()
      }
      // One file, which says itself that it is larger than any may be.
      const header = makeHeader()
      compressed.write(header)
      more()
    }),
  ).toMatch(/source_(?:too_large|malformed)/)
})

/** The header of a file that is larger than any may be. */
function makeHeader(): Buffer {
  const block = Buffer.alloc(512)
  block.write('r/zeros', 0)
  block.write('0000644\0', 100)
  block.write('77777777777\0', 124)
  block.write('0', 156)
  block.write('ustar\x0000', 257)
  block.fill(' ', 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}
