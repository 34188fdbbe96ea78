// npm run image: what deploy/image/instance.Dockerfile copies, in dist/image.
import { cpSync, copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runTool } from './lib/tool.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const target = join(root, 'dist', 'image')
const { code, output } = await runTool(
  process.execPath,
  [join(root, 'scripts', 'compile-image.ts'), target],
  {
    cwd: root,
  },
)
if (code !== 0) throw new Error(output)
mkdirSync(target, { recursive: true })
copyFileSync(process.execPath, join(target, 'node'))
cpSync(join(root, 'node_modules', 'npm'), join(target, 'npm'), { recursive: true, dereference: true })
process.stdout.write(`${target}\n`)
