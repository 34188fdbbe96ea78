// npm run dev: the program, restarted when its code changes, and the dashboard's development server before it.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { passOnSignals } from '../bin/node.mjs'
import { root, setUp } from './lib/set-up.mjs'
import { run, say } from './lib/step.mjs'

const WEB_PORT = '5173'

await run(async () => {
  const node = await setUp()
  const apiPort = process.env['CATWALK_PORT'] ?? '7420'
  const origin = `http://localhost:${WEB_PORT}`
  // People, links and endpoints use the development server's origin, which hands on what is not the dashboard's.
  const env = { ...process.env, CATWALK_PORT: apiPort, CATWALK_PUBLIC_URL: origin }
  const children = [
    spawn(node, ['--watch', '--watch-preserve-output', join(root, 'src', 'main.ts'), 'serve'], {
      stdio: 'inherit',
      env,
    }),
    spawn(node, [join(root, 'scripts', 'dev-web.ts'), WEB_PORT, apiPort], { stdio: 'inherit', env }),
  ]
  say(`Dashboard with live reload: ${origin}`)
  for (const child of children) {
    passOnSignals(child)
    // One without the other is of no use.
    child.once('exit', () => children.forEach((each) => each.kill('SIGTERM')))
  }
})
