import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { makeTarball } from './tarball.ts'
import { makeZip } from './zip.ts'

/** A Python project at one version. */
export interface FakeProject {
  readonly name: string
  readonly version: string
  /** Modules and data, path to content. */
  readonly files: Readonly<Record<string, string>>
  /** Console scripts, name to `module:function`. */
  readonly scripts?: Readonly<Record<string, string>>
  readonly requires?: readonly string[]
  readonly requiresPython?: string
  /** Published as source only; `files` then hold what builds it. */
  readonly sourceOnly?: boolean
  /** Further headers of its metadata, such as `Summary: x`. */
  readonly headers?: readonly string[]
  /** Why the version was withdrawn. */
  readonly yanked?: string
  readonly publishedAt?: string
}

export interface PythonIndex extends AsyncDisposable {
  /** Address of the simple index. */
  readonly url: string
  /** Hex SHA-256 of a project's files. */
  hashesOf(name: string): readonly string[]
  /** Takes over all answers until it is set to null again; `answer` gives the ordinary one. */
  interfere(handler: Interference | null): void
}

type Interference = (req: IncomingMessage, res: ServerResponse, answer: () => void) => void

interface File {
  readonly project: FakeProject
  readonly name: string
  readonly content: Buffer
  readonly hash: string
}

/**
 * A Python index on loopback that serves wheels that are made on the spot, and its pages as HTML (PEP 503) or, for whoever
 * asks for it, as JSON (PEP 691).
 * @param options.json whether it knows JSON; an old index does not
 */
export async function startPythonIndex(
  projects: readonly FakeProject[],
  options: { readonly json?: boolean } = {},
): Promise<PythonIndex> {
  let interference: Interference | null = null
  const files = projects.map((project): File => {
    const content = project.sourceOnly === true ? sourceArchive(project) : wheel(project)
    const hash = createHash('sha256').update(content).digest('hex')
    return { project, name: fileName(project), content, hash }
  })
  const answer = (req: IncomingMessage, res: ServerResponse): void => {
    const path = decodeURIComponent(req.url ?? '')
    const file = files.find(({ name }) => path === `/files/${name}`)
    if (file !== undefined) {
      res.writeHead(200).end(file.content)
      return
    }
    const own = files.filter(({ project }) => path === `/simple/${project.name}/`)
    if (own.length === 0) {
      res.writeHead(404).end()
      return
    }
    if (
      options.json !== false &&
      req.headers.accept?.startsWith('application/vnd.pypi.simple.v1+json') === true
    ) {
      res
        .writeHead(200, { 'content-type': 'application/vnd.pypi.simple.v1+json' })
        .end(JSON.stringify(jsonPage(own)))
      return
    }
    const links = own.map(({ name, hash, project }) => {
      const python = (project.requiresPython ?? '').replaceAll('>', '&gt;')
      const yanked = project.yanked === undefined ? '' : ` data-yanked="${project.yanked}"`
      return `<a href="/files/${name}#sha256=${hash}" data-requires-python="${python}"${yanked}>${name}</a>`
    })
    res
      .writeHead(200, { 'content-type': 'text/html' })
      .end(`<!DOCTYPE html><html><body>${links.join('<br>')}</body></html>`)
  }
  const server = createServer((req, res) => {
    if (interference === null) answer(req, res)
    else interference(req, res, () => answer(req, res))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the index has no port')
  return {
    url: `http://127.0.0.1:${address.port}/simple/`,
    hashesOf: (name) => files.filter(({ project }) => project.name === name).map(({ hash }) => hash),
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

function jsonPage(files: readonly File[]): object {
  return {
    meta: { 'api-version': '1.1' },
    name: files[0]?.project.name,
    versions: [...new Set(files.map(({ project }) => project.version))],
    files: files.map(({ name, hash, content, project }) => ({
      filename: name,
      url: `/files/${name}`,
      hashes: { sha256: hash },
      size: content.length,
      ...(project.requiresPython === undefined ? {} : { 'requires-python': project.requiresPython }),
      yanked: project.yanked ?? false,
      'upload-time': project.publishedAt ?? '2026-01-02T03:04:05Z',
    })),
  }
}

const escaped = ({ name, version }: FakeProject): string => `${name.replaceAll('-', '_')}-${version}`

function fileName(project: FakeProject): string {
  return project.sourceOnly === true ? `${escaped(project)}.tar.gz` : `${escaped(project)}-py3-none-any.whl`
}

export function metadata({
  name,
  version,
  requires = [],
  requiresPython,
  headers = [],
}: FakeProject): string {
  return [
    'Metadata-Version: 2.1',
    `Name: ${name}`,
    `Version: ${version}`,
    ...(requiresPython === undefined ? [] : [`Requires-Python: ${requiresPython}`]),
    ...requires.map((requirement) => `Requires-Dist: ${requirement}`),
    ...headers,
    '',
  ].join('\n')
}

function wheel(project: FakeProject): Buffer {
  const info = `${escaped(project)}.dist-info`
  const scripts = Object.entries(project.scripts ?? {}).map(([name, target]) => `${name} = ${target}\n`)
  return makeZip({
    ...project.files,
    [`${info}/METADATA`]: metadata(project),
    [`${info}/WHEEL`]: 'Wheel-Version: 1.0\nGenerator: fake\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    [`${info}/entry_points.txt`]: `[console_scripts]\n${scripts.join('')}`,
    [`${info}/RECORD`]: '',
  })
}

function sourceArchive(project: FakeProject): Buffer {
  const entries = Object.entries({ ...project.files, 'PKG-INFO': metadata(project) })
  return makeTarball(entries.map(([path, content]) => ({ path: `${escaped(project)}/${path}`, content })))
}
