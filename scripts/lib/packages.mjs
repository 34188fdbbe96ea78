import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { findNode } from '../../bin/node.mjs'
import { SetUpError, step } from './step.mjs'
import { runTool } from './tool.mjs'

/**
 * Installs exactly what package-lock.json names, unless it is installed already, and finds Node 24 among it.
 * @param {string} root the project's folder
 * @returns {Promise<string>} path of Node 24
 */
export async function ensurePackages(root) {
  const installed = isInstalled(root) ? findNode(root) : null
  if (installed !== null) return installed
  await step('Installing packages', (progress) => install(root, progress))
  const node = findNode(root)
  if (node === null) {
    throw new SetUpError(
      `There is no Node 24 for ${process.platform} ${process.arch} among the packages.\n` +
        'Install Node 24 or newer on this machine and try again.',
    )
  }
  return node
}

/**
 * Whether `node_modules` holds what the lock file names. npm writes its own record there at the end of every
 * install, so an interrupted one does not count. Optional packages may be missing: most are for other platforms.
 * @param {string} root
 * @returns {boolean}
 */
export function isInstalled(root) {
  const record = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(record)) return false
  const wanted = readLock(join(root, 'package-lock.json'))
  const present = readLock(record)
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true
    const found = present[path]
    if (found === undefined) return entry.optional === true
    return found.version === entry.version && found.integrity === entry.integrity
  })
}

/** @typedef {{ version?: string, integrity?: string, optional?: boolean }} LockEntry */

/**
 * @param {string} path
 * @returns {Record<string, LockEntry>}
 */
function readLock(path) {
  // npm's own format.
  const lock = /** @type {{ packages: Record<string, LockEntry> }} */ (JSON.parse(readFileSync(path, 'utf8')))
  return lock.packages
}

/**
 * @param {string} root
 * @param {(text: string) => void} progress
 */
async function install(root, progress) {
  const args = ['ci', '--ignore-scripts', '--include=dev', '--include=optional', '--prefer-offline']
  // One line a download gives something to count; a fast first retry keeps "no network" from taking minutes.
  args.push('--loglevel=http', '--no-fund', '--no-audit', '--fetch-retry-mintimeout=1000')
  const [command, first] = npmCommand()
  let downloads = 0
  const { code, output } = await runTool(command, [...first, ...args], {
    cwd: root,
    onLine: (line) => {
      if (/^npm http .*\.tgz/.test(line)) progress(`${++downloads} packages`)
    },
  })
  if (code === 127) throw new SetUpError('npm is not installed. Install it together with Node and try again.')
  if (code !== 0) throw new SetUpError(explain(output))
}

/**
 * The npm that runs this script, or the one in PATH.
 * @returns {[string, string[]]}
 */
function npmCommand() {
  const cli = process.env['npm_execpath']
  return cli?.endsWith('npm-cli.js') ? [process.execPath, [cli]] : ['npm', []]
}

/**
 * @param {string} output what npm printed
 * @returns {string}
 */
export function explain(output) {
  const lines = output.split('\n').filter((line) => /^npm (?:error|ERR!)/.test(line))
  const said = lines
    .filter((line) => !/complete log of this run|debug-0\.log/.test(line))
    .slice(0, 12)
    .join('\n')
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH/.test(output)) {
    return `The package registry cannot be reached. Check the network (and npm's proxy settings), then try again.\n${said}`
  }
  if (/ENOSPC/.test(output)) return `The disk is full. About 1 GB is needed.\n${said}`
  if (/EACCES|EPERM|EROFS/.test(output)) {
    return `npm may not write here. Run this as the user that the project's folder belongs to.\n${said}`
  }
  return `npm could not install the packages.\n${said}`
}
