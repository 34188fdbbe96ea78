import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
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
}

export interface PythonIndex extends AsyncDisposable {
  /** Address of the simple index. */
  readonly url: string
  /** Hex SHA-256 of a project's files. */
  hashesOf(name: string): readonly string[]
}

interface File {
  readonly project: FakeProject
  readonly name: string
  readonly content: Buffer
  readonly hash: string
}

/** A Python index on loopback that serves the pages of PEP 503 and wheels that are made on the spot. */
export async function startPythonIndex(projects: readonly FakeProject[]): Promise<PythonIndex> {
  const files = projects.map((project): File => {
    const content = project.sourceOnly === true ? sourceArchive(project) : wheel(project)
    const hash = createHash('sha256').update(content).digest('hex')
    return { project, name: fileName(project), content, hash }
  })
  const server = createServer((req, res) => {
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
    const links = own.map(({ name, hash, project }) => {
      const python = (project.requiresPython ?? '').replaceAll('>', '&gt;')
      return `<a href="/files/${name}#sha256=${hash}" data-requires-python="${python}">${name}</a>`
    })
    res
      .writeHead(200, { 'content-type': 'text/html' })
      .end(`<!DOCTYPE html><html><body>${links.join('<br>')}</body></html>`)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the index has no port')
  return {
    url: `http://127.0.0.1:${address.port}/simple/`,
    hashesOf: (name) => files.filter(({ project }) => project.name === name).map(({ hash }) => hash),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const escaped = ({ name, version }: FakeProject): string => `${name.replaceAll('-', '_')}-${version}`

function fileName(project: FakeProject): string {
  return project.sourceOnly === true ? `${escaped(project)}.tar.gz` : `${escaped(project)}-py3-none-any.whl`
}

export function metadata({ name, version, requires = [], requiresPython }: FakeProject): string {
  return [
    'Metadata-Version: 2.1',
    `Name: ${name}`,
    `Version: ${version}`,
    ...(requiresPython === undefined ? [] : [`Requires-Python: ${requiresPython}`]),
    ...requires.map((requirement) => `Requires-Dist: ${requirement}`),
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
