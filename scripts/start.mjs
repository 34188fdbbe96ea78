// npm start: installs what is missing, builds dashboard and program, runs Catwalk. Runs on Node 20 without any package.
import { programArgs, runInstead } from '../bin/node.mjs'
import { root, setUpProgram } from './lib/set-up.mjs'
import { run, say } from './lib/step.mjs'
import { ensureSystemPrograms, SANDBOX } from './lib/system.mjs'

await run(async () => {
  // The sandbox is Linux's; the program says what there is elsewhere.
  const toType = process.platform === 'linux' ? await ensureSystemPrograms([SANDBOX]) : null
  if (toType !== null) {
    say('! bubblewrap is missing: servers cannot run on this machine until it is installed. Type:')
    say(`    ${toType}`)
  }
  const node = await setUpProgram()
  runInstead(node, programArgs(root, ['serve', ...process.argv.slice(2)]))
})
