// npm run image:catwalk: what deploy/image/catwalk.Dockerfile copies, in dist/catwalk: the program as it is, and those of
// the locked packages that it runs with.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root, setUpProgram } from './lib/set-up.mjs'
import { run } from './lib/step.mjs'

/** The sources as well: commands run from them, and some files are found beside them. */
const PARTS = [
  'bin',
  'dist/program',
  'dist/web',
  'docs',
  'migrations',
  'package.json',
  'package-lock.json',
  'src',
]

await run(async () => {
  await setUpProgram()
  const target = join(root, 'dist', 'catwalk')
  rmSync(target, { recursive: true, force: true })
  // Times stay: by them the launcher sees that what is compiled is what the sources say.
  for (const part of [...PARTS, ...packages()]) {
    mkdirSync(dirname(join(target, part)), { recursive: true })
    cpSync(join(root, part), join(target, part), {
      recursive: true,
      preserveTimestamps: true,
      verbatimSymlinks: true,
      // Nobody compiles against Node there.
      filter: (path) => !path.endsWith('.test.ts') && !/\/node-[^/]+\/include$/.test(path),
    })
  }
  process.stdout.write(`${target}\n`)
})

/**
 * The packages that are no tools of developers, without those that are for other platforms.
 * @returns {string[]} folders; what lies nested in one comes with it
 */
function packages() {
  // npm's own format.
  const lock = /** @type {{ packages: Record<string, { dev?: boolean, devOptional?: boolean }> }} */ (
    JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  )
  return (
    Object.entries(lock.packages)
      // `devOptional`: a tool of ours that some package can make use of.
      .filter(([, { dev, devOptional }]) => dev !== true && devOptional !== true)
      .map(([path]) => path)
      .filter((path) => path.lastIndexOf('node_modules/') === 0 && existsSync(join(root, path)))
  )
}
