import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { SetUpError, step } from './step.mjs'
import { runTool } from './tool.mjs'

/**
 * Builds the dashboard into `dist/web` when its sources changed since the last build.
 * @param {string} root the project's folder
 * @param {string} node path of Node 24
 */
export async function ensureDashboard(root, node) {
  const web = join(root, 'web')
  const target = join(root, 'dist', 'web')
  const stamp = join(target, '.built-from')
  if (!existsSync(join(web, 'vite.config.ts'))) return
  const sources = hashOf(root, [
    'package-lock.json',
    ...filesBelow(root, 'src/contract'),
    ...filesBelow(root, 'web'),
  ])
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === sources) return
  await step('Building the dashboard', async () => {
    // Without its stamp an interrupted build is not taken for a finished one.
    rmSync(stamp, { force: true })
    const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js')
    const args = [vite, 'build', web, '--outDir', target, '--emptyOutDir', '--logLevel', 'warn']
    const { code, output } = await runTool(node, args, { cwd: root })
    if (code !== 0) throw new SetUpError(`The dashboard does not build.\n${output}`)
    writeFileSync(stamp, sources)
  })
}

/**
 * @param {string} root
 * @param {readonly string[]} files relative to root
 * @returns {string} hash over names and contents
 */
function hashOf(root, files) {
  const hash = createHash('sha256')
  for (const file of files) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0')
  }
  return hash.digest('hex')
}

/**
 * @param {string} root
 * @param {string} folder
 * @returns {string[]} the files below it, relative to root, in a stable order
 */
function filesBelow(root, folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .toSorted()
}
