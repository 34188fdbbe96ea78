import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import {
  CatwalkError,
  type NpmSource,
  type PackageArchive,
  type PackageIndex,
  type PinnedSource,
  type PypiIndex,
  type PypiSource,
} from '../domain/index.ts'

/** The exact version that a package's name stands for. */
export async function pinPackage(
  source: NpmSource | PypiSource,
  indexes: { readonly npm: PackageIndex; readonly pypi: PypiIndex },
  signal: AbortSignal,
): Promise<PinnedSource & { readonly archive: PackageArchive }> {
  const index = source.kind === 'npm' ? indexes.npm : indexes.pypi
  const info = await index.resolve(source.name, source.version, signal)
  const { name, version, archive } = info
  if (archive === null) {
    throw new CatwalkError(
      'package_index_unavailable',
      `The package index names no file for ${name}@${version}.`,
    )
  }
  const url =
    source.kind === 'npm'
      ? `https://www.npmjs.com/package/${name}/v/${version}`
      : `https://pypi.org/project/${name}/${version}/`
  return { source: { ...source, name, version }, content: archive.integrity, url, archive }
}

/**
 * Passes an archive on and ends with an error when its content is not what the index promised.
 * @param integrity `algorithm-base64`, several separated by spaces; the strongest counts
 */
export function verified(archive: Readable, integrity: string): Readable {
  const hashes = integrity.split(/\s+/).map((one) => one.split('-', 2) as [string, string | undefined])
  const strongest = ['sha512', 'sha384', 'sha256', 'sha1'].find((name) =>
    hashes.some(([algorithm]) => algorithm === name),
  )
  const expected = hashes.filter(([algorithm]) => algorithm === strongest).map(([, hash]) => hash)
  const check = async function* (): AsyncGenerator<Buffer> {
    if (strongest === undefined) throw wrongContent()
    const hash = createHash(strongest)
    for await (const chunk of archive as AsyncIterable<Buffer>) {
      hash.update(chunk)
      yield chunk
    }
    if (!expected.includes(hash.digest('base64'))) throw wrongContent()
  }
  return Readable.from(check(), { objectMode: false })
}

function wrongContent(): CatwalkError {
  return new CatwalkError('source_malformed', 'The downloaded file is not the one that the index promised.', {
    help: 'Try again. If it stays, a mirror or proxy in between changes what it passes on.',
  })
}
