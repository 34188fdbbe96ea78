import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, cp, mkdtemp, readdir, realpath, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'

const run = promisify(execFile)

declare module 'vitest' {
  interface ProvidedContext {
    /** File system of the image that engines of tests begin with, as a tar file. */
    baseImageFile: string
  }
}

/** Packs it once for the whole test run. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const image = await makeBaseImage()
  project.provide('baseImageFile', image.file)
  return async () => image[Symbol.asyncDispose]()
}

/** A tar file that is gone when it is disposed of. */
export async function makeBaseImage(): Promise<{ readonly file: string } & AsyncDisposable> {
  const directory = await mkdtemp(join(tmpdir(), 'catwalk-image-'))
  const remove = async (): Promise<void> => rm(directory, { recursive: true, force: true })
  try {
    const file = join(directory, 'base.tar')
    await packBaseImage(join(directory, 'root'), file)
    return { file, [Symbol.asyncDispose]: remove }
  } catch (error) {
    await remove()
    throw error
  }
}

/** The least that Node and Python run on, taken from this machine: their libraries, a shell, certificates. */
async function packBaseImage(stage: string, file: string): Promise<void> {
  const python = await realpath('/usr/bin/python3')
  const library = `/usr/lib/${basename(python)}`
  const modules = join(library, 'lib-dynload')
  const names = ['env', 'sh', 'ls', 'cat', 'mkdir', 'chown', 'du', 'setpriv', 'sync']
  const programs = [python, ...names.map((name) => `/usr/bin/${name}`)]
  const extensions = (await readdir(modules)).map((name) => join(modules, name))
  const libraries = await librariesOf([process.execPath, ...programs, ...extensions])
  for (const path of new Set([...programs, ...libraries, ...(await present(library))])) {
    // What Python is embedded with elsewhere is a third of it.
    const filter = (source: string): boolean => !source.startsWith(join(library, 'config-'))
    await cp(path, join(stage, path), { recursive: true, dereference: true, verbatimSymlinks: false, filter })
  }
  await symlink(basename(python), join(stage, 'usr/bin/python3'))
  for (const name of ['bin', 'lib', 'lib64']) await symlink(`usr/${name}`, join(stage, name))
  const tar = spawn('tar', ['-C', stage, '-cf', file, '.'], { stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = (await once(tar, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`tar ended with ${code}`)
  await rm(stage, { recursive: true })
}

/** Shared libraries of programs, the loader among them, below /usr as the links at the top lead there. */
async function librariesOf(programs: readonly string[]): Promise<readonly string[]> {
  // It fails for what is linked statically, or is no program, and says the rest all the same.
  const { stdout } = await run('ldd', programs).catch((error: { stdout: string }) => error)
  return [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path = '']) =>
    path.replace(/^\/lib(64)?\//, '/usr/lib$1/'),
  )
}

/** Of what Debian spreads over several places, what is there. */
async function present(library: string): Promise<readonly string[]> {
  const places = [library, '/usr/share/python-wheels', '/etc/ssl/certs']
  const found = await Promise.all(
    places.map(async (path) =>
      access(path).then(
        () => path,
        () => null,
      ),
    ),
  )
  return found.filter((path) => path !== null)
}
