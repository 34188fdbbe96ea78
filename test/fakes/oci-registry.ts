import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

export interface OciRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT`, as in the names of its images. */
  readonly host: string
  readonly requests: readonly string[]
  /** Digest of what a tag stands for. */
  readonly digest: string
  interfere(handler: ((req: IncomingMessage, res: ServerResponse) => boolean) | null): void
}

const digestOf = (content: string): string => `sha256:${createHash('sha256').update(content).digest('hex')}`

/** One image, `team/server:v1`, for two platforms, in a registry that wants an anonymous token (OCI Distribution 1.1). */
export async function startOciRegistry(): Promise<OciRegistry> {
  const requests: string[] = []
  let interference: ((req: IncomingMessage, res: ServerResponse) => boolean) | null = null
  const config = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    created: '2026-01-02T03:04:05Z',
    config: {
      Env: ['PATH=/usr/bin', 'PORT=8080'],
      Entrypoint: ['/server'],
      Cmd: ['stdio'],
      Labels: { 'org.opencontainers.image.source': 'https://github.com/team/server' },
      ExposedPorts: { '8080/tcp': {} },
    },
  })
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: {
      mediaType: 'application/vnd.oci.image.config.v1+json',
      digest: digestOf(config),
      size: config.length,
    },
    layers: [
      { digest: digestOf(''), size: 1000 },
      { digest: digestOf('x'), size: 234 },
    ],
  })
  const index = JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      { digest: digestOf(manifest), size: manifest.length, platform: { os: 'linux', architecture: 'amd64' } },
      { digest: digestOf('arm'), size: 3, platform: { os: 'linux', architecture: 'arm64' } },
      { digest: digestOf('attestation'), size: 3, platform: { os: 'unknown', architecture: 'unknown' } },
    ],
  })
  const contents = new Map([config, manifest, index].map((content) => [digestOf(content), content]))

  const answer = (req: IncomingMessage, res: ServerResponse): void => {
    const url = new URL(req.url ?? '/', `http://${req.headers.host ?? ''}`)
    if (url.pathname === '/token') {
      const scope = url.searchParams.get('scope') === 'repository:team/server:pull'
      res.writeHead(scope ? 200 : 403).end(JSON.stringify({ token: 'anonymous', expires_in: 60 }))
      return
    }
    if (req.headers.authorization !== 'Bearer anonymous') {
      const challenge = `Bearer realm="${url.origin}/token",service="fake",scope="repository:${url.pathname.split('/').slice(2, 4).join('/')}:pull"`
      res.writeHead(401, { 'www-authenticate': challenge }).end('{"errors":[{"code":"UNAUTHORIZED"}]}')
      return
    }
    const [, reference] = /^\/v2\/team\/server\/(?:manifests|blobs)\/(.+)$/.exec(url.pathname) ?? []
    const content = contents.get(reference === 'v1' ? digestOf(index) : (reference ?? ''))
    if (content === undefined) {
      res.writeHead(404).end('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')
      return
    }
    res.writeHead(200, { 'docker-content-digest': digestOf(content) }).end(content)
  }
  const server = createServer((req, res) => {
    requests.push(`${req.method ?? ''} ${req.url ?? ''}`)
    if (interference?.(req, res) !== true) answer(req, res)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the registry has no port')
  return {
    host: `127.0.0.1:${address.port}`,
    requests,
    digest: digestOf(index),
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
