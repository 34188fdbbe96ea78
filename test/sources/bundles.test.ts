import { createHash } from 'node:crypto'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { signMcpbFile } from '@anthropic-ai/mcpb/node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { analyzeBundle } from '../../src/analyzer/index.ts'
import { parseSource, type Analysis, type ReadableSource } from '../../src/domain/index.ts'
import { SOURCE_LIMITS } from '../../src/sources/limits.ts'
import { makeZip, type ZipEntry } from '../fakes/zip.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { bundleManifest, packBundle, serveFiles, type FileServer } from '../support/mcpb.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { openSources } from './support.ts'

const signal = new AbortController().signal
const within = { token: null, signal }
const NODE = bundleManifest(
  {
    type: 'node',
    entry_point: 'server/index.js',
    mcp_config: {
      command: 'node',
      args: ['${__dirname}/server/index.js', '${user_config.folders}'],
      env: { NOTES_TOKEN: '${user_config.token}', MODE: 'fast' },
    },
  },
  {
    compatibility: { platforms: ['darwin', 'win32'] },
    tools: [{ name: 'speak', description: 'Speaks.' }],
    user_config: {
      token: {
        type: 'string',
        title: 'Token',
        description: 'Of your account',
        sensitive: true,
        required: true,
      },
      folders: {
        type: 'directory',
        title: 'Folders',
        description: 'To read',
        multiple: true,
        default: ['${HOME}'],
      },
    },
  },
)

let plain: Buffer
let signed: Buffer
let files: FileServer
const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex')
const evil = (...entries: readonly ZipEntry[]): Buffer =>
  makeZip([{ path: 'manifest.json', content: NODE }, { path: 'server/index.js', content: '1' }, ...entries])

beforeAll(async () => {
  plain = await packBundle({
    'manifest.json': NODE,
    'server/index.js': 'process.exit()',
    'bin/tool': '#!/bin/sh\n',
  })
  signed = await sign(plain)
  let answers = 0
  files = await serveFiles({
    '/plain.mcpb': plain,
    '/signed.mcpb': signed,
    '/changing.mcpb': (_req, res) => void res.end(answers++ === 0 ? plain : signed),
    '/out.mcpb': (_req, res) => void res.writeHead(302, { location: 'http://127.0.0.1:10/x.mcpb' }).end(),
    '/endless.mcpb': (_req, res) => {
      const more = (): void => {
        while (!res.destroyed && res.write(Buffer.alloc(1024 * 1024)));
        if (!res.destroyed) res.once('drain', more)
      }
      more()
    },
    '/rubbish.mcpb': Buffer.from('no archive'),
    '/empty.mcpb': makeZip({ 'README.md': 'hello' }),
    '/path.mcpb': evil({ path: '../../evil', content: 'x' }),
    '/absolute.mcpb': evil({ path: '/etc/evil', content: 'x' }),
    '/link.mcpb': evil({ path: 'server/link', content: '/etc/passwd', mode: 0o120777 }),
    '/device.mcpb': evil({ path: 'server/device', content: '', mode: 0o020666 }),
    '/twin.mcpb': evil({ path: 'Manifest.json', content: '{}' }),
    '/bomb.mcpb': evil({ path: 'zeros', content: Buffer.alloc(8 * 1024 * 1024) }),
    '/lying.mcpb': evil({ path: 'zeros', content: Buffer.alloc(8 * 1024 * 1024), claimedBytes: 10 }),
    '/many.mcpb': evil(...Array.from({ length: 200 }, (_, n) => ({ path: `f${n}`, content: 'x' }))),
  })
})
afterAll(async () => files[Symbol.asyncDispose]())

/** As `mcpb sign` does it, with a certificate of its own. */
async function sign(bundle: Buffer): Promise<Buffer> {
  await using work = await temporaryDirectory()
  const [key, certificate, path] = ['key.pem', 'certificate.pem', 'x.mcpb'].map((name) =>
    join(work.path, name),
  ) as [string, string, string]
  const about = ['-days', '2', '-subj', '/CN=test', '-keyout', key, '-out', certificate]
  await promisify(execFile)('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...about])
  await writeFile(path, bundle)
  signMcpbFile(path, certificate, key)
  return readFile(path)
}

const bundleAt = (path: string, hash?: string): ReadableSource => {
  const source = parseSource(`${files.url}${path}${hash === undefined ? '' : `#sha256=${hash}`}`)
  if (source.kind !== 'mcpb') throw new Error(`read as ${source.kind}`)
  return source
}

interface Read {
  readonly content: string
  readonly analysis: Analysis
  readonly directory: string
}

/** Reads a bundle by small limits; `look` sees it while it is there. */
async function readBundle(
  path: string,
  options: {
    readonly hash?: string
    readonly trusted?: boolean
    readonly look?: (read: Read) => Promise<void>
  } = {},
): Promise<{ readonly analysis: Analysis; readonly content: string }> {
  await using directory = await temporaryDirectory()
  const root = join(directory.path, 'snapshots')
  using sources = await openSources(root, {
    trustedGitOrigins: options.trusted === false ? [] : [files.url],
    limits: {
      ...SOURCE_LIMITS,
      archiveBytes: 4 * 1024 * 1024,
      unpackedBytes: 4 * 1024 * 1024,
      fileBytes: 2 * 1024 * 1024,
      entries: 100,
    },
  })
  try {
    const pinned = await sources.pin(bundleAt(path, options.hash), within)
    await using snapshot = await sources.open(pinned, within)
    const analysis = analyzeBundle(snapshot, pinned.url)
    await options.look?.({ content: pinned.content, analysis, directory: snapshot.directory })
    return { content: pinned.content, analysis }
  } catch (error) {
    const left = (await readdir(root)).filter((name) => name.startsWith('unfinished'))
    throw left.length === 0 ? error : new Error(`${left.join()} is left of it`, { cause: error })
  }
}

test('a bundle of the official packer is pinned by its hash and read by its manifest', async () => {
  const { content, analysis } = await readBundle('/plain.mcpb', {
    look: async ({ directory }) => {
      expect((await stat(join(directory, 'bin/tool'))).mode & 0o111).not.toBe(0)
      expect((await stat(join(directory, 'manifest.json'))).mode & 0o111).toBe(0)
    },
  })
  expect(content).toBe(sha256(plain))
  expect(files.requests.filter((path) => path === '/plain.mcpb')).toHaveLength(1)
  expect(analysis).toMatchObject({
    verdict: 'needs_input',
    launch: {
      package: { registry: 'mcpb', name: 'acme-notes', version: '1.2.3' },
      command: 'server/index.js',
      args: [],
    },
    env: [
      { name: 'folders', required: false, secret: false, default: '${HOME}', format: 'path' },
      { name: 'NOTES_TOKEN', required: true, secret: true, description: 'Token: Of your account' },
      { name: 'MODE', required: false, default: 'fast' },
    ],
    tools: [{ name: 'speak', description: 'Speaks.' }],
    warnings: [{ code: 'other_platform' }],
  })
  expect(analysis.env[1]?.evidence).toEqual([{ file: 'manifest.json', line: 1, reader: 'mcpb-manifest' }])
})

test('a signed bundle is read like one without a signature', async () => {
  expect(signed.length).toBeGreaterThan(plain.length)
  const { content, analysis } = await readBundle('/signed.mcpb')
  expect(content).toBe(sha256(signed))
  expect(analysis.launch?.command).toBe('server/index.js')
})

test('a bundle that is not the one of its hash is refused, also when it was another one before', async () => {
  expect((await readBundle('/plain.mcpb', { hash: sha256(plain) })).content).toBe(sha256(plain))
  const wrong = await catwalkErrorOf(readBundle('/plain.mcpb', { hash: 'a'.repeat(64) }))
  expect(wrong.code).toBe('source_malformed')
  expect(wrong.message).toContain('SHA-256')
  expect((await readBundle('/changing.mcpb')).content).toBe(sha256(plain))
  expect((await catwalkErrorOf(readBundle('/changing.mcpb', { hash: sha256(plain) }))).code).toBe(
    'source_malformed',
  )
})

test.each([
  ['/path.mcpb', 'source_malformed'],
  ['/absolute.mcpb', 'source_malformed'],
  ['/link.mcpb', 'source_malformed'],
  ['/device.mcpb', 'source_malformed'],
  ['/twin.mcpb', 'source_malformed'],
  ['/rubbish.mcpb', 'source_malformed'],
  ['/empty.mcpb', 'source_malformed'],
  ['/lying.mcpb', 'source_malformed'],
  ['/bomb.mcpb', 'source_too_large'],
  ['/many.mcpb', 'source_too_large'],
  ['/endless.mcpb', 'source_too_large'],
  ['/missing.mcpb', 'source_not_found'],
  ['/out.mcpb', 'source_refused'],
])('%s is refused as %s, and nothing is left of it', async (path, code) => {
  expect((await catwalkErrorOf(readBundle(path))).code).toBe(code)
})

test('an address inside is not asked', async () => {
  const before = files.requests.length
  expect((await catwalkErrorOf(readBundle('/plain.mcpb', { trusted: false }))).code).toBe('source_refused')
  expect(files.requests).toHaveLength(before)
})
