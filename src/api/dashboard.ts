import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { extname, join, relative, sep } from 'node:path'
import { page } from './page.ts'
import { DATA_POLICY, pagePolicy } from './security-headers.ts'

export interface Dashboard {
  /** The file at this path of the address; null when there is none. */
  file(path: string, headers: Headers): Promise<Response | null>
  /** The page that finds its way by itself, for every address that is not a file. */
  shell(headers: Headers): Promise<Response>
}

interface Asset {
  readonly bytes: Buffer<ArrayBuffer>
  /** The same compressed; null for what gains nothing by it. */
  readonly gzipped: Buffer<ArrayBuffer> | null
  readonly type: string
  readonly etag: string
}

/** By path of the address, e.g. `/assets/index-B2x.js`. */
type Build = ReadonlyMap<string, Asset>

const PAGE_POLICY = pagePolicy()

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
}

/**
 * The built dashboard, held in memory: an address is looked up in a table, so none can lead outside the folder. Loaded
 * at the first request and again when it was built anew.
 */
export function createDashboard(dir: string): Dashboard {
  let loading: Promise<Build> | undefined
  let loadedStamp = ''

  async function current(): Promise<Build | null> {
    const stamp = await stampOf(dir)
    if (stamp === null) return null
    if (loading === undefined || stamp !== loadedStamp) {
      loadedStamp = stamp
      loading = load(dir)
      // Forgotten, so that a folder that changed under our hands is read again.
      loading.catch(() => {
        loading = undefined
      })
    }
    return loading
  }

  return {
    async file(path, headers) {
      const asset = (await current())?.get(path)
      if (asset === undefined) return null
      const hashed = path.startsWith('/assets/')
      return answer(asset, headers, hashed ? 'public, max-age=31536000, immutable' : 'no-cache')
    },
    async shell(headers) {
      const index = (await current())?.get('/index.html')
      return index === undefined ? notBuilt() : answer(index, headers, 'no-cache')
    },
  }
}

/** Differs for each state of a build, half-written ones included; null when there is no page. */
async function stampOf(dir: string): Promise<string | null> {
  const [index, files] = await Promise.allSettled([stat(join(dir, 'index.html')), stat(join(dir, 'assets'))])
  if (index.status === 'rejected') return null
  return `${index.value.mtimeMs} ${files.status === 'rejected' ? '' : files.value.mtimeMs}`
}

async function load(dir: string): Promise<Build> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return new Map(
    await Promise.all(
      files.map(async (file): Promise<[string, Asset]> => [
        `/${relative(dir, file).split(sep).join('/')}`,
        await readAsset(file),
      ]),
    ),
  )
}

async function readAsset(file: string): Promise<Asset> {
  const bytes = await readFile(file)
  const type = TYPES[extname(file)] ?? 'application/octet-stream'
  const isText = /^text\/|json|svg/.test(type)
  return {
    bytes,
    gzipped: isText ? await promisify(gzip)(bytes) : null,
    type,
    // Weak, because it stands for the compressed form as well.
    etag: `W/"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`,
  }
}

function answer(asset: Asset, asked: Headers, cacheControl: string): Response {
  const headers = new Headers({
    etag: asset.etag,
    'cache-control': cacheControl,
    vary: 'accept-encoding',
    'content-security-policy': asset.type.startsWith('text/html') ? PAGE_POLICY : DATA_POLICY,
  })
  if (asked.get('if-none-match') === asset.etag) return new Response(null, { status: 304, headers })
  headers.set('content-type', asset.type)
  const compress = asset.gzipped !== null && /\bgzip\b/.test(asked.get('accept-encoding') ?? '')
  if (compress) headers.set('content-encoding', 'gzip')
  return new Response(compress ? asset.gzipped : asset.bytes, { headers })
}

function notBuilt(): Response {
  return page(
    'Catwalk',
    `<h1>The dashboard is not built yet</h1>
<p>Catwalk runs: its API, its endpoints and the command line work. Stop Catwalk and start it with
<code>npm start</code>, which builds the dashboard, then reload this page.</p>`,
    503,
  )
}
