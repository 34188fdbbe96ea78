import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const NPM = fileURLToPath(new URL('../../node_modules/npm/bin/npm-cli.js', import.meta.url))

/** The files of a published package, unpacked below a folder that is kept between runs. */
export async function unpackedPackage(cache: string, name: string, version: string): Promise<string> {
  const folder = join(cache, `${name.replaceAll(/[@/]/g, '+')}@${version}`)
  const root = join(folder, 'package')
  if (existsSync(root)) return root
  const fresh = `${folder}.new`
  rmSync(fresh, { recursive: true, force: true })
  mkdirSync(fresh, { recursive: true })
  const { stdout } = await run(
    process.execPath,
    [NPM, 'pack', `${name}@${version}`, '--ignore-scripts', '--silent', '--pack-destination', fresh],
    { timeout: 120_000 },
  )
  const archive = join(fresh, stdout.trim().split('\n').at(-1) ?? '')
  mkdirSync(join(fresh, 'package'))
  await run('tar', ['-xzf', archive, '-C', join(fresh, 'package'), '--strip-components', '1'])
  rmSync(archive)
  rmSync(folder, { recursive: true, force: true })
  renameSync(fresh, folder)
  return root
}
