import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Secret, type BundlePackage, type LaunchSpec, type SourceHost } from '../../src/domain/index.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { bundleManifest, packBundle, serveFiles, type FileServer } from '../support/mcpb.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { openSources } from '../sources/support.ts'
import { startLocalRuntime, type LocalRuntimeUnderTest } from './local-runtime.ts'
import { evaluate, releaseOf } from './release.ts'

const signal = new AbortController().signal
const fixture = (name: string) => readFile(join(import.meta.dirname, 'fixtures', name), 'utf8')

let served: Record<string, Buffer>
let files: FileServer
let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let sources: SourceHost & Disposable
let subject: LocalRuntimeUnderTest

beforeAll(async () => {
  const node = bundleManifest(
    {
      type: 'node',
      entry_point: 'server/index.cjs',
      mcp_config: {
        command: 'node',
        args: ['server/index.cjs', '--folder', '${user_config.folder}', '--level=${user_config.level}'],
        env: {
          AUTH: 'Bearer ${user_config.token}',
          DATA: '${__dirname}/data.txt',
          NODE_OPTIONS: '--inspect',
        },
      },
    },
    {
      user_config: {
        token: { type: 'string', title: 'Token', description: 'A token', sensitive: true, required: true },
        folder: { type: 'directory', title: 'Folder', description: 'To read' },
        level: { type: 'number', title: 'Level', description: 'How much', default: 3 },
      },
    },
  )
  const python = bundleManifest({
    type: 'python',
    entry_point: 'server/main.py',
    mcp_config: {
      command: 'python',
      args: ['${__dirname}/server/main.py'],
      env: { PYTHONPATH: '${__dirname}/server/lib' },
    },
  })
  const program = bundleManifest({
    type: 'binary',
    entry_point: 'bin/server',
    mcp_config: { command: '${__dirname}/bin/server', args: ['--own'] },
  })
  served = {
    node: await packBundle({
      'manifest.json': node,
      'server/index.cjs': await fixture('evaluator.cjs'),
      'node_modules/helper/index.js': 'module.exports = "bundled"',
      'data.txt': 'data',
    }),
    python: await packBundle({
      'manifest.json': python,
      'server/main.py': await fixture('evaluator.py'),
      'server/lib/helper.py': 'WORD = "bundled"',
    }),
    program: await packBundle({
      'manifest.json': program,
      // What the sandbox has of the system is enough for a script.
      'bin/server': `#!/opt/catwalk/toolchain/bin/node\n${(await fixture('evaluator.cjs')).replace(/^#!.*\n/, '')}`,
    }),
  }
  files = await serveFiles(
    Object.fromEntries(Object.entries(served).map(([name, content]) => [`/${name}.mcpb`, content])),
  )
  directory = await temporaryDirectory()
  sources = await openSources(join(directory.path, 'snapshots'), { trustedGitOrigins: [files.url] })
  subject = await startLocalRuntime({
    openBundle: async (_workspace, { url, sha256 }, limit) =>
      sources.open(
        { source: { kind: 'mcpb', url, sha256 }, content: sha256, url },
        { token: null, signal: limit },
      ),
  })
})
afterAll(async () => {
  await subject[Symbol.asyncDispose]()
  sources[Symbol.dispose]()
  await directory[Symbol.asyncDispose]()
  await files[Symbol.asyncDispose]()
})

function bundle(name: string): BundlePackage {
  const sha256 = createHash('sha256')
    .update(served[name] ?? '')
    .digest('hex')
  return { kind: 'mcpb', url: `${files.url}/${name}.mcpb`, sha256, name, version: '1.2.3' }
}

/** What the server of a bundle says to some code, with these values. */
async function ask(
  name: string,
  code: string,
  values: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const release = releaseOf(bundle(name))
  const { lockFile } = await subject.runtime.prepare(release.prepare, signal)
  const spec: LaunchSpec = {
    ...release.prepare.spec,
    variables: Object.keys(values).map((one) => ({
      name: one,
      description: null,
      required: true,
      secret: true,
      default: null,
    })),
  }
  const credentials = new Map(Object.entries(values).map(([one, value]) => [one, new Secret(value)]))
  const instance = await subject.runtime.start(release.start(lockFile, { spec, credentials }), signal)
  try {
    return await evaluate(instance, code)
  } finally {
    await instance.stop(500)
    await subject.runtime.purge(release.prepare.deploymentId, signal)
  }
}

test('a bundle of Node runs with what it brings along, and gets values where its manifest puts them', async () => {
  const code = `return [require('/opt/catwalk/package/bundle/node_modules/helper'), process.cwd(), process.argv.slice(2),
    process.env.AUTH, process.env.DATA, process.env.token ?? null, process.env.NODE_OPTIONS ?? null]`
  expect(await ask('node', code, { token: 's3cret', folder: '${HOME}/notes' })).toEqual([
    'bundled',
    '/opt/catwalk/package/bundle',
    ['--folder', '/home/server/notes', '--level=3'],
    'Bearer s3cret',
    '/opt/catwalk/package/bundle/data.txt',
    null,
    null,
  ])
})

test('a bundle of Node can write to nothing of its own, so that it stays what was analysed', async () => {
  const code = `const fs = require('fs'); return ['server/index.cjs', 'new.txt', '/opt/catwalk/package/x'].map((path) => {
    try { fs.writeFileSync(path, 'x'); return 'written' } catch (error) { return error.code } })`
  expect(await ask('node', code, { token: 't' })).toEqual(['EROFS', 'EROFS', 'EROFS'])
})

test('a bundle of Python finds the packages that it brings along', async () => {
  expect(await ask('python', 'import_("helper").WORD')).toBe('bundled')
})

test('a bundle that is a program runs by itself', async () => {
  expect(await ask('program', 'return process.argv.slice(2)')).toEqual(['--own'])
})

test('a bundle whose file is another one by now is not installed anew', async () => {
  const spec = { ...bundle('node'), sha256: 'b'.repeat(64) }
  expect((await catwalkErrorOf(subject.runtime.prepare(releaseOf(spec).prepare, signal))).code).toBe(
    'source_malformed',
  )
})

test('a second release of a bundle is in the store already, and a lock file of another bundle is refused', async () => {
  const release = releaseOf(bundle('program'))
  const { lockFile } = await subject.runtime.prepare(release.prepare, signal)
  expect((await subject.runtime.prepare({ ...release.prepare, lockFile }, signal)).fromStore).toBe(true)
  const other = releaseOf(bundle('python'))
  expect((await catwalkErrorOf(subject.runtime.prepare({ ...other.prepare, lockFile }, signal))).code).toBe(
    'install_failed',
  )
})
