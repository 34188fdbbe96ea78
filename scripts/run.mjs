// Runs a TypeScript file of this project on Node 24, after installing and building what is missing: run.mjs FILE [ARGS…]
import { resolve } from 'node:path'
import { runInstead } from '../bin/node.mjs'
import { setUpProgram } from './lib/set-up.mjs'
import { run, SetUpError } from './lib/step.mjs'

await run(async () => {
  const [file, ...args] = process.argv.slice(2)
  if (file === undefined) throw new SetUpError('Usage: node scripts/run.mjs FILE [ARGS…]')
  runInstead(await setUpProgram(), [resolve(file), ...args])
})
