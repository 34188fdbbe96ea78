import { INSIDE } from '../../command.ts'
import type { RunStep } from '../run-step.ts'
import type { Work } from '../work.ts'

/** A Python that confined programs see, and that can make environments and install into them. */
export interface Interpreter {
  readonly path: string
  /** In full, such as `3.11.2`. */
  readonly version: string
}

/** `3.11` of `3.11.2`: what installed packages depend on. */
export function minorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.')
}

// Runs where servers run, because that is where their Python has to be. It fails where Debian has left out what
// python3-venv brings.
const SEARCH = `
  const { execFileSync } = require('node:child_process')
  const { readdirSync, realpathSync } = require('node:fs')
  const seen = new Set()
  for (const place of ['/usr/bin', '/usr/local/bin']) {
    for (const name of readdirSync(place)) {
      if (!/^python3(?:\\.\\d+)?$/.test(name)) continue
      try {
        const path = realpathSync(place + '/' + name)
        if (seen.has(path) || !path.startsWith('/usr/')) continue
        seen.add(path)
        const question = 'import sys, venv, ensurepip; print("%d.%d.%d" % sys.version_info[:3])'
        const options = { env: {}, timeout: 10000, stdio: ['ignore', 'pipe', 'ignore'] }
        console.log(execFileSync(path, ['-I', '-c', question], options).toString().trim() + ' ' + path)
      } catch {}
    }
  }`
const OLDEST = '3.9'

/** The interpreters that there are, the newest first. Throws what running a step throws. */
export async function findInterpreters(
  runStep: RunStep,
  work: Work,
  signal: AbortSignal,
): Promise<readonly Interpreter[]> {
  const { lines } = await runStep(
    work,
    { name: 'pythons', argv: [INSIDE.node, '-e', SEARCH], environment: new Map(), mounts: [], origins: [] },
    () => undefined,
    signal,
  )
  return lines
    .flatMap((line) => {
      const [, version, path] = /^(\d+\.\d+\.\d+) (\/usr\/.+)$/.exec(line) ?? []
      return version === undefined || path === undefined ? [] : [{ path, version }]
    })
    .filter(({ version }) => compareVersions(version, OLDEST) >= 0)
    .toSorted((a, b) => compareVersions(b.version, a.version))
}

function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true })
}
