import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { say, step } from './step.mjs'
import { runTool } from './tool.mjs'

/** Programs that npm does not bring: which command shows that they are there, and which packages hold them. */
export const SANDBOX = {
  commands: ['bwrap'],
  packages: ['bubblewrap'],
}
export const BROWSER = {
  commands: ['chromium', 'chromium-browser', 'google-chrome'],
  packages: ['chromium', 'fonts-dejavu-core'],
}

export const CONTAINERS = {
  commands: ['dockerd'],
  packages: ['docker.io', 'iptables'],
}
/** Sets the clock of one program. */
export const CLOCK = {
  commands: ['faketime'],
  packages: ['faketime'],
}
/** Makes the Debian that stands for Docker Hub's. */
export const DEBIAN = {
  commands: ['mmdebstrap'],
  packages: ['mmdebstrap'],
}
/** Checks deploy/compose.yaml. */
export const COMPOSE = {
  commands: ['docker-compose'],
  packages: ['docker-compose'],
}
/** gVisor. */
export const KERNEL = {
  commands: ['runsc'],
  packages: ['runsc'],
}
export const IMAGE_REGISTRY = {
  commands: ['docker-registry'],
  packages: ['docker-registry'],
}

/** @typedef {{ commands: readonly string[], packages: readonly string[] }} SystemProgram */

/**
 * Installs missing programs with apt when root.
 * @param {readonly SystemProgram[]} programs
 * @returns {Promise<string | null>} null when all are there, otherwise the one line to type
 */
export async function ensureSystemPrograms(programs) {
  const missing = programs.filter((program) => !program.commands.some(isCommand))
  if (missing.length === 0) return null
  const packages = missing.flatMap((program) => program.packages)
  if (process.getuid?.() === 0 && isCommand('apt-get')) {
    const done = await step(`Installing ${packages.join(', ')}`, () => aptInstall(packages))
    if (done) return null
  }
  const line = `apt-get install -y --no-install-recommends ${packages.join(' ')}`
  return process.getuid?.() === 0 ? `apt-get update && ${line}` : `sudo ${line}`
}

/**
 * @param {readonly string[]} packages
 * @returns {Promise<boolean>}
 */
async function aptInstall(packages) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const install = () => runTool('apt-get', ['install', '-y', '--no-install-recommends', ...packages], { env })
  let result = await install()
  if (result.code !== 0) {
    // A fresh machine has no package lists, or old ones.
    await runTool('apt-get', ['update'], { env })
    result = await install()
  }
  if (result.code !== 0) say(result.output.split('\n').slice(-5).join('\n'))
  return result.code === 0
}

/**
 * @param {string} name
 * @returns {boolean}
 */
function isCommand(name) {
  const places = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']
  return places.some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
