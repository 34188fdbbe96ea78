// npm run check: everything that can be said about the code without running its tests.
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { root, setUp } from './lib/set-up.mjs'
import { run, say, SetUpError } from './lib/step.mjs'
import { runTool } from './lib/tool.mjs'

/** @param {string[]} parts */
const tool = (...parts) => join(root, 'node_modules', ...parts)
/** @param {string[]} parts */
const file = (...parts) => join(root, ...parts)

/**
 * Each a name and the arguments of Node 24; the longest first, so that they do not end up last and alone.
 * @type {readonly (readonly [string, readonly string[]])[]}
 */
const CHECKS = [
  ['generated files', [file('scripts', 'generate.ts'), '--check']],
  ['types', [tool('typescript', 'bin', 'tsc'), '-p', root]],
  ...(existsSync(file('web', 'tsconfig.json'))
    ? [
        /** @type {const} */ ([
          'types of the dashboard',
          [tool('typescript', 'bin', 'tsc'), '-p', file('web')],
        ]),
      ]
    : []),
  ['lint', [tool('oxlint', 'bin', 'oxlint'), '--type-aware', '--deny-warnings']],
  ['format', [tool('prettier', 'bin', 'prettier.cjs'), '--check', '--log-level', 'warn', '.']],
  ['dead code', [tool('knip', 'bin', 'knip.js')]],
  ['layers', [file('scripts', 'check-layers.ts')]],
]

await run(async () => {
  const node = await setUp()
  const waiting = [...CHECKS]
  /** @type {string[]} */
  const failed = []
  const worker = async () => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
      const [name, args] = check
      const startedAt = performance.now()
      const { code, output } = await runTool(node, args, { cwd: root })
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
      say(`${code === 0 ? '✓' : '✗'} ${name} ${seconds} s`)
      if (code === 0) continue
      failed.push(name)
      say(output.replaceAll(/^/gm, '    '))
    }
  }
  await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, worker))
  if (failed.length > 0) throw new SetUpError(`Failed: ${failed.join(', ')}`)
})
