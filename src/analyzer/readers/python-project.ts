import { dirname, join } from 'node:path/posix'
import { parse } from 'smol-toml'
import type { JsonValue, Snapshot } from '../../domain/index.ts'
import type { Project } from '../project.ts'
import { recordOf, stringOf, type Fields } from './json.ts'

/**
 * `pyproject.toml` (PEP 621 and Poetry), `setup.cfg` or `setup.py`; dependencies also from `requirements.txt`, which may
 * be all that there is. Of a wheel, `METADATA` and `entry_points.txt` in its folder `*.dist-info`, which describe the folder
 * around it.
 */
export function readPythonProject(snapshot: Snapshot, path: string): Project | null {
  const text = snapshot.text(path)
  if (text === null) return null
  const isWheel = path.endsWith('.dist-info/METADATA')
  const [own, around] = [dirname(path), dirname(dirname(path))]
  const folder = (isWheel ? around : own).replace(/^\.$/, '')
  const found = isWheel
    ? fromMetadata(text, snapshot.text(join(own, 'entry_points.txt')) ?? '')
    : path.endsWith('.toml')
      ? fromPyproject(text)
      : path.endsWith('.cfg')
        ? fromSetupCfg(text)
        : path.endsWith('.txt')
          ? NAMELESS
          : fromSetupPy(text)
  if (found === null) return null
  const requirements = snapshot.text(join(folder, 'requirements.txt')) ?? ''
  return {
    ecosystem: 'pypi',
    folder,
    manifest: path,
    main: null,
    isPrivate: found.name === '',
    isLibrary: false,
    registryName: null,
    ...found,
    dependencies: new Set(
      [...found.dependencies, ...requirements.split('\n')].flatMap((line) => requirementName(line) ?? []),
    ),
  }
}

type Found = Pick<Project, 'name' | 'version' | 'description' | 'executables' | 'repository'> & {
  readonly dependencies: readonly string[]
}

const NAMELESS: Found = {
  name: '',
  version: null,
  description: null,
  executables: new Map(),
  repository: null,
  dependencies: [],
}

/** `Fast_MCP[cli]>=2` is `fast-mcp`. */
function requirementName(line: string): string | null {
  const name = /^\s*([A-Za-z0-9][\w.-]*)/.exec(line)?.[1]
  return name === undefined ? null : normalise(name)
}

/** PEP 503: names that differ only in case and in runs of `-`, `_` and `.` are the same. */
export function normalise(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, '-')
}

function fromPyproject(text: string): Found | null {
  let document: Fields | null
  try {
    document = recordOf(parse(text) as JsonValue)
  } catch {
    return null
  }
  const project = recordOf(document?.['project'])
  const poetry = recordOf(recordOf(document?.['tool'])?.['poetry'])
  const source = project ?? poetry
  if (source === null) return null
  const scripts = { ...recordOf(poetry?.['scripts']), ...recordOf(project?.['scripts']) }
  const urls = Object.entries({ ...recordOf(project?.['urls']), ...recordOf(poetry?.['urls']) })
  return {
    name: stringOf(source['name']) ?? '',
    version: stringOf(source['version']),
    description: stringOf(source['description']),
    executables: new Map(
      Object.entries(scripts).flatMap(([name, target]): [string, string][] => {
        const entry = stringOf(target) ?? stringOf(recordOf(target)?.['callable'])
        return entry === null ? [] : [[name, entry]]
      }),
    ),
    repository:
      stringOf(
        urls.find(([name]) => /^(?:repository|source|source code|github|homepage)$/i.test(name))?.[1] ?? null,
      ) ?? stringOf(poetry?.['repository']),
    dependencies: [
      ...(Array.isArray(project?.['dependencies'])
        ? project['dependencies'].flatMap((one: JsonValue) => stringOf(one) ?? [])
        : []),
      ...Object.keys(recordOf(poetry?.['dependencies']) ?? {}),
    ],
  }
}

/** Core metadata and entry points, as packaging.python.org specifies them. */
function fromMetadata(text: string, entryPoints: string): Found | null {
  const [head = ''] = text.split(/\r?\n\r?\n/, 1)
  const all = (key: string): string[] =>
    [...head.matchAll(new RegExp(`^${key}:[ \\t]*(\\S[^\\r\\n]{0,300})`, 'gim'))].map(([, value = '']) =>
      value.trim(),
    )
  const [name] = all('Name')
  if (name === undefined) return null
  const repository = all('Project-URL').flatMap(
    (line) => /^(?:repository|source|source code|github|homepage),\s*(\S+)$/i.exec(line)?.[1] ?? [],
  )
  const [, scripts = ''] = entryPoints.split(/^\[console_scripts\]\s*$/m)
  return {
    name,
    version: all('Version')[0] ?? null,
    description: all('Summary')[0] ?? null,
    executables: new Map((scripts.split(/^\[/m)[0] ?? '').split('\n').flatMap((line) => entryPoint(line))),
    repository: repository[0] ?? all('Home-page')[0] ?? null,
    dependencies: all('Requires-Dist'),
  }
}

function fromSetupCfg(text: string): Found | null {
  const name = /^name\s*=\s*(\S+)/m.exec(text)?.[1]
  if (name === undefined) return null
  const section = (key: string): string[] => {
    const lines = text.split('\n')
    const at = lines.findIndex((line) => new RegExp(`^${key}\\s*=`).test(line))
    if (at === -1) return []
    const end = lines.findIndex((line, i) => i > at && /^\S/.test(line))
    return lines.slice(at + 1, end === -1 ? undefined : end).map((line) => line.trim())
  }
  return {
    name,
    version: /^version\s*=\s*([\w.]+)/m.exec(text)?.[1] ?? null,
    description: /^description\s*=\s*(.{1,300})/m.exec(text)?.[1] ?? null,
    executables: new Map(section('console_scripts').flatMap((line) => entryPoint(line))),
    repository: /^url\s*=\s*(\S+)/m.exec(text)?.[1] ?? null,
    dependencies: section('install_requires'),
  }
}

function fromSetupPy(text: string): Found | null {
  if (!/\bsetup\s*\(/.test(text)) return null
  const value = (key: string): string | null =>
    new RegExp(`\\b${key}\\s*=\\s*["']([^"'\\n]{1,300})["']`).exec(text)?.[1] ?? null
  const list = (key: string): string[] => {
    const at = text.search(new RegExp(`["']?${key}["']?\\s*[=:]\\s*\\[`))
    const end = at === -1 ? -1 : text.indexOf(']', at)
    return end === -1
      ? []
      : [...text.slice(at, end).matchAll(/["']([^"'\n]{1,200})["']/g)].map((match) => match[1] ?? '')
  }
  return {
    name: value('name') ?? '',
    version: value('version'),
    description: value('description'),
    executables: new Map(list('console_scripts').flatMap((line) => entryPoint(line))),
    repository: value('url'),
    dependencies: list('install_requires'),
  }
}

function entryPoint(line: string): [string, string][] {
  const match = /^\s*([\w.-]+)\s*=\s*([\w.]+(?::[\w.]+)?)/.exec(line)
  return match?.[1] === undefined || match[2] === undefined ? [] : [[match[1], match[2]]]
}
