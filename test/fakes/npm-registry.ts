import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { makeTarball } from './tarball.ts'

export interface FakePackage {
  readonly name: string
  readonly version: string
  /** Further fields of package.json. */
  readonly manifest?: Readonly<Record<string, unknown>>
  /** Files beside package.json, path to content. */
  readonly files?: Readonly<Record<string, string>>
  readonly publishedAt?: string
}

export interface NpmRegistry extends AsyncDisposable {
  /** Base address, with a slash at the end. */
  readonly url: string
  /** Paths that were asked for. */
  readonly requests: readonly string[]
  /** The integrity of a published version. */
  integrityOf(name: string, version: string): string
  publish(published: FakePackage): void
  /** Takes over all answers until it is set to null again; `answer` gives the ordinary one. */
  interfere(handler: Interference | null): void
}

type Interference = (req: IncomingMessage, res: ServerResponse, answer: () => void) => void

interface Published {
  readonly source: FakePackage
  readonly tarball: Buffer
  readonly integrity: string
}

/** A package registry on loopback that speaks npm's protocol: documents, tarballs and bearer tokens. */
export async function startNpmRegistry(
  packages: readonly FakePackage[],
  options: { readonly token?: string } = {},
): Promise<NpmRegistry> {
  const published = new Map<string, Published>()
  const requests: string[] = []
  let interference: Interference | null = null
  const publish = (source: FakePackage): void => {
    const tarball = makeTarball([
      { path: 'package/package.json', content: JSON.stringify(manifestOf(source)) },
      ...Object.entries(source.files ?? {}).map(([path, content]) => ({ path: `package/${path}`, content })),
    ])
    const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`
    published.set(`${source.name}@${source.version}`, { source, tarball, integrity })
  }
  packages.forEach(publish)

  const server = createServer((req, res) => {
    const path = decodeURIComponent((req.url ?? '').replace(/\?.*$/, '').slice(1))
    requests.push(path)
    if (interference === null) answer(req, res, path)
    else interference(req, res, () => answer(req, res, path))
  })
  const answer = (req: IncomingMessage, res: ServerResponse, path: string): void => {
    if (options.token !== undefined && req.headers.authorization !== `Bearer ${options.token}`) {
      return answerJson(res, 401, { error: 'authentication required' })
    }
    if (path === '-/whoami') return answerJson(res, 200, { username: 'npm-person' })
    const [name = '', file] = path.split('/-/')
    const versions = [...published.values()].filter(({ source }) => source.name === name)
    if (versions.length === 0) return answerJson(res, 404, { error: 'Not found' })
    if (file === undefined)
      return answerJson(res, 200, documentOf(name, versions, `http://${req.headers.host}/`))
    const found = versions.find(({ source }) => fileOf(source) === file)
    if (found === undefined) return answerJson(res, 404, { error: 'Not found' })
    res.writeHead(200, { 'content-type': 'application/octet-stream' }).end(found.tarball)
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the registry has no port')
  return {
    url: `http://127.0.0.1:${address.port}/`,
    requests,
    publish,
    integrityOf: (name, version) => {
      const found = published.get(`${name}@${version}`)
      if (found === undefined) throw new Error(`${name}@${version} was not published`)
      return found.integrity
    },
    interfere: (handler) => {
      interference = handler
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function manifestOf({ name, version, manifest }: FakePackage): Record<string, unknown> {
  return { name, version, ...manifest }
}

function fileOf({ name, version }: FakePackage): string {
  return `${name.split('/').at(-1) ?? name}-${version}.tgz`
}

function documentOf(name: string, versions: readonly Published[], base: string): object {
  return {
    _id: name,
    name,
    'dist-tags': { latest: versions.at(-1)?.source.version },
    versions: Object.fromEntries(
      versions.map(({ source, integrity }) => [
        source.version,
        { ...manifestOf(source), dist: { integrity, tarball: `${base}${name}/-/${fileOf(source)}` } },
      ]),
    ),
    time: Object.fromEntries(
      versions.map(({ source }) => [source.version, source.publishedAt ?? '2026-01-02T03:04:05.000Z']),
    ),
  }
}

function answerJson(res: ServerResponse, status: number, body: object): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
