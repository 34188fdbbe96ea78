import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

const LINE_LIMIT_MS = 60_000

/** A Node program of a test. Disposing kills it. */
export interface Program extends AsyncDisposable {
  readonly child: ChildProcess
  /** Every line of its output so far. */
  readonly lines: readonly string[]
  /** Waits until it has printed a line for which `wanted` says yes; fails when it ends before, with its output. */
  line(wanted: (line: string) => boolean): Promise<string>
  /** Settles when it has ended and all its output was read. */
  readonly ended: Promise<void>
}

/**
 * Code for `-e` that runs as another user. Node is started by the one who runs the tests, because the other may not be
 * able to reach it: a clone below a closed directory.
 */
export function codeAs({ uid, gid }: { readonly uid: number; readonly gid: number }, code: string): string {
  return `if (process.getuid() === 0) process.setgroups([]); process.setgid(${gid}); process.setuid(${uid});\n${code}`
}

/** Starts a TypeScript file on this Node. */
export function startProgram(file: string, args: readonly string[], options: SpawnOptions = {}): Program {
  const child = spawn(process.execPath, [file, ...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  const lines: string[] = []
  const errors: string[] = []
  let waiting: (() => void)[] = []
  const wake = () => {
    for (const resolve of waiting) resolve()
    waiting = []
  }
  if (child.stdout === null || child.stderr === null) throw new Error('the program has no output')
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line)
    wake()
  })
  createInterface({ input: child.stderr }).on('line', (line) => errors.push(line))
  let isEnded = false
  const ended = untilEnded()
  async function untilEnded(): Promise<void> {
    await once(child, 'close')
    isEnded = true
    wake()
  }
  return {
    child,
    lines,
    ended,
    async line(wanted) {
      const deadline = AbortSignal.timeout(LINE_LIMIT_MS)
      for (let seen = 0; ;) {
        const found = lines.slice(seen).find(wanted)
        if (found !== undefined) return found
        seen = lines.length
        if (isEnded) throw new Error(`the program ended: ${errors.join('\n')}`)
        await new Promise<void>((resolve, reject) => {
          waiting.push(resolve)
          deadline.addEventListener('abort', () => reject(new Error(`no such line in ${lines.join('\n')}`)), {
            once: true,
          })
        })
      }
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
