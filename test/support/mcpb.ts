import { once } from 'node:events'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { dirname, join } from 'node:path'
import { packExtension } from '@anthropic-ai/mcpb/cli'
import { temporaryDirectory } from './temporary-directory.ts'

/** A manifest of a bundle, with what its server is. */
export function bundleManifest(server: object, more: object = {}): string {
  return JSON.stringify({
    manifest_version: '0.3',
    name: 'acme-notes',
    version: '1.2.3',
    description: 'Takes notes.',
    author: { name: 'Acme' },
    server,
    ...more,
  })
}

/** A bundle as the official packer makes it of these files. Those below `bin/` are programs. */
export async function packBundle(files: Readonly<Record<string, string | Buffer>>): Promise<Buffer> {
  await using work = await temporaryDirectory()
  const extensionPath = join(work.path, 'source')
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(extensionPath, path)), { recursive: true })
    await writeFile(join(extensionPath, path), content)
    if (path.startsWith('bin/')) await chmod(join(extensionPath, path), 0o755)
  }
  const outputPath = join(work.path, 'acme.mcpb')
  if (!(await packExtension({ extensionPath, outputPath, silent: true })))
    throw new Error('The packer refuses the manifest.')
  return readFile(outputPath)
}

export interface FileServer extends AsyncDisposable {
  /** Without a slash at the end. */
  readonly url: string
  /** How often each path was asked for. */
  readonly requests: readonly string[]
}

/** Files on loopback; what is a function answers by itself. */
export async function serveFiles(
  files: Readonly<Record<string, Buffer | RequestListener>>,
): Promise<FileServer> {
  const requests: string[] = []
  const server = createServer((req, res) => {
    const path = req.url ?? ''
    requests.push(path)
    const file = files[path]
    if (typeof file === 'function') file(req, res)
    else res.writeHead(file === undefined ? 404 : 200).end(file)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
