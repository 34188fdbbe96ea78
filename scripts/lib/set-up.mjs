import { fileURLToPath } from 'node:url'
import { ensureDashboard } from './dashboard.mjs'
import { ensurePackages } from './packages.mjs'
import { ensureProgram } from './program.mjs'

/** The project's folder. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')

/**
 * What every command needs: the locked packages.
 * @returns {Promise<string>} path of Node 24
 */
export const setUp = () => ensurePackages(root)

/**
 * What the program needs besides: itself and the dashboard, built.
 * @returns {Promise<string>} path of Node 24
 */
export async function setUpProgram() {
  const node = await setUp()
  await ensureProgram(root, node)
  await ensureDashboard(root, node)
  return node
}
