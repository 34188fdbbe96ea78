// npm start: installs what is missing, builds dashboard and program, runs Catwalk. Runs on Node 20 without any package.
import { programArgs, runInstead } from '../bin/node.mjs'
import { root, setUpProgram } from './lib/set-up.mjs'
import { run, say } from './lib/step.mjs'
import { ensureSystemPrograms, SANDBOX } from './lib/system.mjs'

await run(async () => {
  const toType = await ensureSystemPrograms([SANDBOX])
  if (toType !== null) {
    say('! bubblewrap is missing: servers cannot run on this machine until it is installed. Type:')
    say(`    ${toType}`)
  }
  const node = await setUpProgram()
  runInstead(node, programArgs(root, ['serve', ...process.argv.slice(2)]))
})
