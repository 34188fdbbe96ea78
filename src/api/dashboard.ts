import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
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
  readonly type: string
  readonly etag: string
}

interface Build {
  /** By path of the address, e.g. `/assets/index-B2x.js`. */
  readonly assets: ReadonlyMap<string, Asset>
  readonly builtAtMs: number
}

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
  let loadedMs = -1

  async function current(): Promise<Build | null> {
    const builtAtMs = await stat(join(dir, 'index.html')).then(
      (index) => index.mtimeMs,
      () => null,
    )
    if (builtAtMs === null) return null
    if (loading === undefined || builtAtMs !== loadedMs) {
      loadedMs = builtAtMs
      loading = load(dir, builtAtMs)
      // Forgotten, so that a build that was caught half-way is read again.
      loading.catch(() => {
        loading = undefined
      })
    }
    return loading
  }

  return {
    async file(path, headers) {
      const asset = (await current())?.assets.get(path)
      if (asset === undefined) return null
      const hashed = path.startsWith('/assets/')
      return answer(asset, headers, hashed ? 'public, max-age=31536000, immutable' : 'no-cache')
    },
    async shell(headers) {
      const index = (await current())?.assets.get('/index.html')
      return index === undefined ? notBuilt() : answer(index, headers, 'no-cache')
    },
  }
}

async function load(dir: string, builtAtMs: number): Promise<Build> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const assets = await Promise.all(
    files.map(async (file): Promise<[string, Asset]> => {
      const bytes = await readFile(file)
      const type = TYPES[extname(file)] ?? 'application/octet-stream'
      const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
      return [`/${relative(dir, file).split(sep).join('/')}`, { bytes, type, etag }]
    }),
  )
  return { assets: new Map(assets), builtAtMs }
}

function answer(asset: Asset, headers: Headers, cacheControl: string): Response {
  const common = { etag: asset.etag, 'cache-control': cacheControl }
  if (headers.get('if-none-match') === asset.etag) return new Response(null, { status: 304, headers: common })
  return new Response(asset.bytes, {
    headers: {
      ...common,
      'content-type': asset.type,
      'content-security-policy': asset.type.startsWith('text/html') ? PAGE_POLICY : DATA_POLICY,
    },
  })
}

function notBuilt(): Response {
  return page(
    'Catwalk',
    `<h1>The dashboard is not built yet</h1>
<p>Catwalk runs: its API, its endpoints and the command line work. To build the dashboard, stop Catwalk and start it with
<code>npm start</code>, or run <code>npx vite build</code>, then reload this page.</p>`,
    503,
  )
}
