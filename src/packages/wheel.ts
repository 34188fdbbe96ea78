import { fromBuffer, type Entry, type ZipFile } from 'yauzl'

/** What a wheel says of itself. */
export interface WheelFacts {
  readonly metadata: string | null
  readonly consoleScripts: readonly string[]
}

const MAX_FILE_BYTES = 4 * 1024 * 1024
const WANTED = /^[^/]+\.dist-info\/(?:METADATA|entry_points\.txt)$/

/** Reads a wheel's metadata and the names of its commands. @throws Error when it is no zip archive */
export async function readWheel(wheel: Buffer): Promise<WheelFacts> {
  const zip = await new Promise<ZipFile>((resolve, reject) => {
    fromBuffer(wheel, { lazyEntries: true }, (error, opened) =>
      error === null ? resolve(opened) : reject(error),
    )
  })
  const found = new Map<string, string>()
  await new Promise<void>((resolve, reject) => {
    zip.on('error', reject)
    zip.on('end', resolve)
    zip.on('entry', (entry: Entry) => {
      if (!WANTED.test(entry.fileName) || entry.uncompressedSize > MAX_FILE_BYTES) {
        zip.readEntry()
        return
      }
      textOf(zip, entry).then((text) => {
        found.set(entry.fileName.replace(/^.*\//, ''), text)
        zip.readEntry()
        return undefined
      }, reject)
    })
    zip.readEntry()
  })
  return {
    metadata: found.get('METADATA') ?? null,
    consoleScripts: scriptsIn(found.get('entry_points.txt') ?? ''),
  }
}

function textOf(zip: ZipFile, entry: Entry): Promise<string> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (failure, stream) => {
      if (failure !== null) {
        reject(failure)
        return
      }
      let text = ''
      stream.setEncoding('utf8')
      stream.on('data', (chunk: string) => {
        text += chunk
      })
      stream.on('error', reject)
      stream.on('end', () => resolve(text))
    })
  })
}

/** The keys of the section `[console_scripts]` (packaging.python.org, "Entry points specification"). */
function scriptsIn(entryPoints: string): string[] {
  const names: string[] = []
  let section = ''
  for (const line of entryPoints.split('\n').map((raw) => raw.trim())) {
    const [, heading] = /^\[\s*([^\]]+?)\s*\]$/.exec(line) ?? []
    if (heading !== undefined) section = heading
    const [, name] = /^([^#;=][^=]*?)\s*=/.exec(line) ?? []
    if (section === 'console_scripts' && name !== undefined) names.push(name)
  }
  return names
}

export interface CoreMetadata {
  readonly summary: string | null
  readonly license: string | null
  readonly requiresPython: string | null
  readonly repository: string | null
}

/** Reads the headers of core metadata; the body, a README, is left out. */
export function readCoreMetadata(metadata: string): CoreMetadata {
  const end = /\r?\n\r?\n/.exec(metadata)?.index ?? metadata.length
  const headers = metadata
    .slice(0, end)
    .replaceAll(/\r?\n[ \t]+/g, ' ')
    .split(/\r?\n/)
    .map(
      (line) =>
        [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()] as const,
    )
  const first = (name: string): string | null =>
    headers.find(([key, value]) => key === name && value !== '')?.[1] ?? null
  const links = headers
    .filter(([key]) => key === 'project-url')
    .map(
      ([, value]) =>
        [value.slice(0, value.indexOf(',')).trim(), value.slice(value.indexOf(',') + 1).trim()] as const,
    )
  return {
    summary: first('summary'),
    license: first('license-expression') ?? first('license')?.slice(0, 200) ?? null,
    requiresPython: first('requires-python'),
    repository: repositoryAmong([...links, ['homepage', first('home-page') ?? '']]),
  }
}

/** The link that is called a repository, else one that leads to a well-known host of repositories. */
function repositoryAmong(links: readonly (readonly [string, string])[]): string | null {
  const addresses = links.filter(([, url]) => /^https?:\/\//.test(url))
  const named = addresses.find(([label]) =>
    /^(?:source(?: code)?|repository|repo|code|github|gitlab)$/i.test(label),
  )
  const hosted = addresses.find(([, url]) =>
    /^https?:\/\/(?:www\.)?(?:github\.com|gitlab\.com|bitbucket\.org|codeberg\.org)\/[^/]+\/[^/]+/.test(url),
  )
  return (named ?? hosted)?.[1] ?? null
}
