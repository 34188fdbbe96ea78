import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { findOlderNode } from './older-node.ts'

const root = join(import.meta.dirname, '..', '..')
const older = findOlderNode()

let project: string
let started: ChildProcess[]

beforeEach(async () => {
  started = []
  project = await mkdtemp(join(tmpdir(), 'catwalk-launcher-'))
  await cp(join(root, 'bin'), join(project, 'bin'), { recursive: true })
  await cp(join(root, 'package.json'), join(project, 'package.json'))
  await mkdir(join(project, 'src'))
  await cp(join(import.meta.dirname, 'fixtures', 'main.ts'), join(project, 'src', 'main.ts'))
  await symlink(join(root, 'node_modules'), join(project, 'node_modules'))
})

afterEach(async () => {
  for (const child of started) child.kill('SIGKILL')
  await rm(project, { recursive: true })
})

interface Said {
  readonly pid: number
  readonly node: string
  readonly args: readonly string[]
}

function launch(node: string, args: readonly string[], path = join(project, 'bin', 'catwalk')) {
  const child = spawn(node, [path, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  started.push(child)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const nextLine = async (): Promise<string> => {
    const { value, done } = await lines.next()
    return done ? '' : value
  }
  return {
    child,
    nextLine,
    // The fixture's first line.
    said: async () => JSON.parse(await nextLine()) as Said,
    ended: once(child, 'close') as Promise<[number | null, string | null]>,
  }
}

// A machine whose only Node is the locked one has nothing older to start with.
const nodes = [
  ['the locked Node 24', process.execPath] as const,
  ...(older === null ? [] : [["the host's older Node", older] as const]),
]

describe.for(nodes)('started by %s', ([, node]) => {
  const run = (args: readonly string[], path?: string) => launch(node, args, path)

  test('the program runs on Node 24 with the arguments as they were given', async () => {
    const { said, ended } = run(['exit', '0', '--flag', 'two words', ''])
    const { node: version, args } = await said()
    expect(version).toMatch(/^24\./)
    expect(args).toEqual(['exit', '0', '--flag', 'two words', ''])
    expect(await ended).toEqual([0, null])
  })

  test("the exit code is the program's", async () => {
    expect(await run(['exit', '42']).ended).toEqual([42, null])
  })

  test('a program that dies by a signal makes the launcher die by the same', async () => {
    expect(await run(['abort']).ended).toEqual([null, 'SIGKILL'])
  })

  test('standard input reaches the program and its end too', async () => {
    const { child, said, nextLine, ended } = run(['echo'])
    await said()
    child.stdin?.end('hello\n')
    expect(await nextLine()).toBe('hello')
    expect(await ended).toEqual([0, null])
  })

  test.for(['SIGTERM', 'SIGINT'] as const)(
    '%s reaches the program once, and its answer is kept',
    async (signal) => {
      const { child, said, nextLine, ended } = run(['serve'])
      await said()
      child.kill(signal)
      expect(await nextLine()).toBe(signal)
      expect(await nextLine()).toBe('')
      expect(await ended).toEqual([7, null])
    },
  )

  test('a launcher that is killed leaves no program behind', async () => {
    const { child, said, nextLine } = run(['serve'])
    const { pid } = await said()
    child.kill('SIGKILL')
    // Without a second process there is nobody to be told; the program itself was killed.
    expect(await nextLine()).toBe(pid === child.pid ? '' : 'SIGTERM')
    // The end of its output is the end of the program.
    expect(await nextLine()).toBe('')
  })

  test('it works through a symbolic link from anywhere, without write access', async () => {
    const link = join(project, 'a link')
    await symlink(join(project, 'bin', 'catwalk'), link)
    for (const folder of ['bin', 'src', '.']) await chmod(join(project, folder), 0o555)
    try {
      expect(await run(['exit', '0'], link).ended).toEqual([0, null])
    } finally {
      await chmod(project, 0o755)
      for (const folder of ['bin', 'src']) await chmod(join(project, folder), 0o755)
    }
  })

  test('without installed packages it says what to type', async () => {
    await rm(join(project, 'node_modules'))
    const { child, ended } = run(['--version'])
    const output = child.stderr?.toArray()
    expect(await ended).toEqual([1, null])
    expect(Buffer.concat((await output) as Buffer[]).toString()).toContain('npm start')
  })
})
