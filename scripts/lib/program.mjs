import { renameSync, rmSync, utimesSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { COMPILED_MAIN, isCompiled } from '../../bin/node.mjs'
import { SetUpError, step } from './step.mjs'
import { runTool } from './tool.mjs'

/**
 * Compiles the program when its sources changed since the last time.
 * @param {string} root the project's folder
 * @param {string} node path of Node 24
 */
export async function ensureProgram(root, node) {
  if (isCompiled(root)) return
  await step('Compiling the program', async () => {
    const target = dirname(COMPILED_MAIN)
    // Beside its place, so that an interrupted compilation is not taken for a finished one.
    const fresh = `${target}.new`
    const begun = new Date()
    const { code, output } = await runTool(node, [join(root, 'scripts', 'compile.ts'), fresh], { cwd: root })
    if (code !== 0) throw new SetUpError(`The program does not compile.\n${output}`)
    utimesSync(join(root, fresh, 'main.js'), begun, begun)
    rmSync(join(root, target), { recursive: true, force: true })
    renameSync(join(root, fresh), join(root, target))
  })
}
