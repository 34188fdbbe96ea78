import { execFile } from 'node:child_process'
import { readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** A Python of this host that can make environments and install into them. */
export interface Interpreter {
  /** Below /usr, which every sandbox shows. */
  readonly path: string
  /** In full, such as `3.11.2`. */
  readonly version: string
}

/** `3.11` of `3.11.2`: what installed packages depend on. */
export function minorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.')
}

const PLACES: readonly string[] = ['/usr/bin', '/usr/local/bin']
// Fails where Debian has left out what python3-venv brings.
const QUESTION = 'import sys, venv, ensurepip; print("%d.%d.%d" % sys.version_info[:3])'
const OLDEST = [3, 9] as const

/** The interpreters of this host, the newest first. */
export async function findInterpreters(places = PLACES): Promise<readonly Interpreter[]> {
  const found = new Map<string, Interpreter>()
  for (const place of places) {
    const names = await readdir(place).catch(() => [])
    for (const name of names.filter((candidate) => /^python3(?:\.\d+)?$/.test(candidate))) {
      const path = await realpath(join(place, name)).catch(() => null)
      if (path === null || !path.startsWith('/usr/') || found.has(path)) continue
      const version = await versionOf(path)
      if (version !== null) found.set(path, { path, version })
    }
  }
  return [...found.values()].toSorted((a, b) => compareVersions(b.version, a.version))
}

async function versionOf(path: string): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)(path, ['-I', '-c', QUESTION], { env: {}, timeout: 10_000 })
    const version = stdout.trim()
    return /^\d+\.\d+\.\d+$/.test(version) && compareVersions(version, OLDEST.join('.')) >= 0 ? version : null
  } catch {
    return null
  }
}

function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true })
}
