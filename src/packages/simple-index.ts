/** A file that the simple index offers. */
export interface IndexFile {
  readonly name: string
  readonly url: URL
  readonly version: string
  readonly kind: 'wheel' | 'sdist'
  /** Hex; null when the index gives none. */
  readonly sha256: string | null
  readonly requiresPython: string | null
  /** The reason, `''` without one; null when it was not withdrawn. */
  readonly yanked: string | null
  readonly bytes: number | null
  readonly publishedAt: Date | null
  /** Whether the metadata of a wheel can be had by itself (PEP 658). */
  readonly hasMetadata: boolean
}

/**
 * The files on a project's page in the simple index, as JSON (PEP 691, 700) or HTML (PEP 503, 592, 658). What has no name
 * that fits the project is left out. Null when the answer is no such page.
 */
export function readSimplePage(
  page: string,
  contentType: string,
  url: URL,
  project: string,
): IndexFile[] | null {
  return contentType.includes('json') ? readJsonPage(page, url, project) : readHtmlPage(page, url, project)
}

type Fields = Readonly<Record<string, unknown>>

function readJsonPage(page: string, url: URL, project: string): IndexFile[] | null {
  const parsed: unknown = parseJson(page)
  if (!isFields(parsed) || !Array.isArray(parsed['files'])) return null
  return parsed['files'].filter(isFields).flatMap((file) => {
    const hashes = isFields(file['hashes']) ? file['hashes'] : {}
    const yanked = file['yanked']
    return describe(project, url, {
      name: text(file['filename']),
      href: text(file['url']),
      sha256: text(hashes['sha256']),
      requiresPython: text(file['requires-python']),
      yanked: yanked === true ? '' : typeof yanked === 'string' ? yanked : null,
      bytes: typeof file['size'] === 'number' ? file['size'] : null,
      uploadTime: text(file['upload-time']),
      hasMetadata: Boolean(file['core-metadata'] ?? file['dist-info-metadata'] ?? false),
    })
  })
}

const ANCHOR = /<a\s([^>]{0,4000})>([^<]{0,400})<\/a>/gi
const ATTRIBUTE = /([a-z-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'))?/gi

function readHtmlPage(page: string, url: URL, project: string): IndexFile[] | null {
  if (!/<(?:html|a|body|!doctype)\b/i.test(page)) return null
  return [...page.matchAll(ANCHOR)].flatMap(([, attributes = '', label = '']) => {
    const found = new Map(
      [...attributes.matchAll(ATTRIBUTE)].map(([, name = '', double, single]) => [
        name.toLowerCase(),
        unescape(double ?? single ?? ''),
      ]),
    )
    const href = found.get('href') ?? null
    return describe(project, url, {
      name: unescape(label.trim()),
      href,
      sha256: /#sha256=([0-9a-f]{64})$/.exec(href ?? '')?.[1] ?? null,
      requiresPython: found.get('data-requires-python') ?? null,
      yanked: found.get('data-yanked') ?? null,
      bytes: null,
      uploadTime: null,
      hasMetadata: found.has('data-core-metadata') || found.has('data-dist-info-metadata'),
    })
  })
}

interface Offered {
  readonly name: string | null
  readonly href: string | null
  readonly sha256: string | null
  readonly requiresPython: string | null
  readonly yanked: string | null
  readonly bytes: number | null
  readonly uploadTime: string | null
  readonly hasMetadata: boolean
}

function describe(project: string, page: URL, { name, href, uploadTime, ...rest }: Offered): IndexFile[] {
  const url = href === null ? null : URL.parse(href, page.href)
  const place = name === null ? null : versionIn(name, project)
  if (name === null || url === null || place === null) return []
  url.hash = ''
  const publishedAt = uploadTime === null ? new Date(Number.NaN) : new Date(uploadTime)
  return [
    { ...rest, ...place, name, url, publishedAt: Number.isNaN(publishedAt.getTime()) ? null : publishedAt },
  ]
}

/** What the name of a file says (PEP 427 for wheels, PEP 625 and older habits for sources). */
function versionIn(name: string, project: string): Pick<IndexFile, 'version' | 'kind'> | null {
  const [wheelName, version] = /^(.+)\.whl$/i.exec(name)?.[1]?.split('-') ?? []
  if (wheelName !== undefined) {
    return version !== undefined && normalise(wheelName) === project ? { version, kind: 'wheel' } : null
  }
  const base = /^(.+)\.(?:tar\.gz|zip)$/i.exec(name)?.[1]
  if (base === undefined) return null
  // A project's name may have hyphens of its own.
  for (let at = base.indexOf('-'); at !== -1; at = base.indexOf('-', at + 1)) {
    if (normalise(base.slice(0, at)) === project) return { version: base.slice(at + 1), kind: 'sdist' }
  }
  return null
}

function normalise(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, '-')
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
  '&amp;': '&',
}

function unescape(html: string): string {
  return html.replaceAll(/&(?:lt|gt|quot|#39|amp);/g, (entity) => ENTITIES[entity] ?? entity)
}

function parseJson(page: string): unknown {
  try {
    return JSON.parse(page) as unknown
  } catch {
    return null
  }
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
