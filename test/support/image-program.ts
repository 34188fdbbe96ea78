import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { IMAGE_VARIABLES, type InstanceDocument } from '../../src/runtimes/elsewhere/index.ts'
import { temporaryDirectory } from './temporary-directory.ts'
import { until } from './until.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The program of the image, compiled into a directory of its own. */
export interface ImageProgram extends AsyncDisposable {
  readonly path: string
}

export async function compileImageProgram(): Promise<ImageProgram> {
  const directory = await temporaryDirectory()
  const script = join(root, 'scripts', 'compile-image.ts')
  await promisify(execFile)(process.execPath, [script, directory.path], { cwd: root })
  return {
    path: join(directory.path, 'instance.mjs'),
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  }
}

export interface RunningImageProgram extends AsyncDisposable {
  readonly child: ChildProcess
  readonly url: URL
  /** What it has printed so far. */
  readonly printed: () => string
}

/** Runs it as an ordinary process on loopback. */
export async function startImageProgram(
  { path }: ImageProgram,
  secret: string,
  document: InstanceDocument,
): Promise<RunningImageProgram> {
  let printed = ''
  const child = spawn(process.execPath, [path], {
    env: {
      [IMAGE_VARIABLES.secret]: secret,
      [IMAGE_VARIABLES.document]: JSON.stringify(document),
      [IMAGE_VARIABLES.host]: '127.0.0.1',
      [IMAGE_VARIABLES.port]: '0',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  const end = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
  try {
    const url = await until('it listens', () => {
      if (child.exitCode !== null) throw new Error(`it ended: ${printed}`)
      return /^http:\S+$/m.exec(printed)?.[0] ?? null
    })
    return { child, url: new URL(url), printed: () => printed, [Symbol.asyncDispose]: end }
  } catch (error) {
    await end()
    throw error
  }
}
