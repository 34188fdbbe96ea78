import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

export interface GitServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string
  /** `Authorization` headers, in order; null where there was none. */
  readonly authorizations: readonly (string | null)[]
  /** Takes over all answers until it is set to null again. */
  interfere(handler: ((req: IncomingMessage, res: ServerResponse) => boolean) | null): void
}

/** Serves the bare repositories below a folder over smart HTTP with git's own `http-backend`. */
export async function startGitServer(root: string): Promise<GitServer> {
  const authorizations: (string | null)[] = []
  let interference: ((req: IncomingMessage, res: ServerResponse) => boolean) | null = null
  const server = createServer((req, res) => {
    authorizations.push(req.headers.authorization ?? null)
    if (interference?.(req, res) !== true) runBackend(root, req, res)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return {
    origin: `http://127.0.0.1:${address.port}`,
    authorizations,
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

/** The Common Gateway Interface as far as http-backend needs it (git-http-backend, "ENVIRONMENT"). */
function runBackend(root: string, req: IncomingMessage, res: ServerResponse): void {
  const url = new URL(req.url ?? '/', 'http://localhost')
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: '/usr/local/bin:/usr/bin:/bin',
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
      GIT_PROTOCOL: String(req.headers['git-protocol'] ?? ''),
      REQUEST_METHOD: req.method ?? 'GET',
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      CONTENT_TYPE: req.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: req.headers['content-encoding'] ?? '',
      REMOTE_ADDR: '127.0.0.1',
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  req.pipe(child.stdin)
  child.stdin.on('error', () => undefined)
  let head = Buffer.alloc(0)
  const readHead = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end === -1) return
    child.stdout.off('data', readHead)
    const lines = head
      .toString('latin1', 0, end)
      .split('\r\n')
      .map((line) => line.split(': ', 2) as [string, string])
    const status = lines.find(([name]) => name === 'Status')?.[1] ?? '200'
    res.writeHead(
      Number.parseInt(status, 10),
      Object.fromEntries(lines.filter(([name]) => name !== 'Status')),
    )
    res.write(head.subarray(end + 4))
    child.stdout.pipe(res)
  }
  child.stdout.on('data', readHead)
  child.once('close', () => res.end())
}

/** Makes a bare repository with one commit, from the contents of a folder; returns the commit. */
export function makeRepository(root: string, name: string, folder: string): string {
  const bare = join(root, name)
  const git = (...args: string[]): string =>
    execFileSync('git', args, {
      encoding: 'utf8',
      env: {
        PATH: '/usr/local/bin:/usr/bin:/bin',
        HOME: root,
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_DIR: bare,
        ...(args[0] === 'init' ? {} : { GIT_WORK_TREE: folder }),
        GIT_AUTHOR_NAME: 'A',
        GIT_AUTHOR_EMAIL: 'a@example.com',
        GIT_COMMITTER_NAME: 'A',
        GIT_COMMITTER_EMAIL: 'a@example.com',
        GIT_AUTHOR_DATE: '2026-01-02T03:04:05Z',
        GIT_COMMITTER_DATE: '2026-01-02T03:04:05Z',
      },
    }).trim()
  mkdirSync(dirname(bare), { recursive: true })
  git('init', '--quiet', '--bare', '-b', 'main')
  git('config', 'core.bare', 'false')
  git('add', '--all', '--force')
  git('commit', '--quiet', '--message', 'First')
  git('tag', '--annotate', 'v1', '--message', 'One')
  git('branch', 'feature/x')
  return git('rev-parse', 'HEAD')
}
