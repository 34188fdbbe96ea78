import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import {
  access,
  chmod,
  copyFile,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { INSIDE } from './command.ts'
import type { Directories } from './directories.ts'

/** The files that every sandbox shows at `/opt/catwalk/toolchain`, as they lie on the host. */
export interface Toolchain {
  readonly directory: string
}

// The user inside is the same everywhere and says nothing about the host. Names are resolved by the egress proxy;
// who asks for them directly gets a quick refusal, because nobody listens there.
const ETC = {
  passwd:
    'root:x:0:0:root:/root:/usr/sbin/nologin\nserver:x:1000:1000:server:/home/server:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n',
  group: 'root:x:0:\nserver:x:1000:\nnogroup:x:65534:\n',
  hosts: '127.0.0.1 localhost server\n::1 localhost\n',
  'resolv.conf': 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n',
  'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
}

/** Node's headers, beside its program and in a toolchain alike, and the one without which there are none. */
const HEADERS = 'include'
const NODE_H = 'node/node.h'

/** Where a sandbox finds Node's headers, for packages that compile something; null where its Node came without. */
export async function nodeHeadersOf({ directory }: Toolchain): Promise<string | null> {
  return (await exists(join(directory, HEADERS, NODE_H))) ? INSIDE.toolchain : null
}

/**
 * Makes sure that the running Node with its headers, `npmDirectory` and the generated files are in the data directory, where the users
 * that servers run as can read them. A version is complete or absent.
 * @param files what the runtime wants to find there besides, by name
 */
export async function ensureToolchain(
  directories: Directories,
  npmDirectory: string,
  files: ReadonlyMap<string, Buffer>,
): Promise<Toolchain> {
  const npm: unknown = JSON.parse(await readFile(join(npmDirectory, 'package.json'), 'utf8'))
  const npmVersion = typeof npm === 'object' && npm !== null && 'version' in npm ? String(npm.version) : '0'
  const hash = createHash('sha256').update(JSON.stringify(ETC))
  for (const [name, content] of files) hash.update(name).update(content)
  const headers = join(dirname(dirname(process.execPath)), HEADERS)
  if (await exists(join(headers, NODE_H))) hash.update(HEADERS)
  const name = `node-${process.versions.node}-npm-${npmVersion}-${hash.digest('hex').slice(0, 12)}`
  const toolchain = { directory: join(directories.toolchain, name) }
  if (await exists(toolchain.directory)) return toolchain

  const work = await mkdtemp(join(directories.temporary, 'toolchain-'))
  try {
    await makeDirectory(join(work, 'bin'))
    await provide(process.execPath, join(work, 'bin', 'node'), 0o755)
    await provideTree(npmDirectory, join(work, 'npm'), isUsedOfNpm)
    if (await exists(join(headers, NODE_H))) await provideTree(headers, join(work, HEADERS), isUsedHeader)
    await makeDirectory(join(work, 'etc'))
    for (const [file, text] of Object.entries(ETC)) await write(join(work, 'etc', file), text)
    for (const [file, content] of files) await write(join(work, file), content)
    await chmod(work, 0o755)
    await rename(work, toolchain.directory).catch(async (error: unknown) => {
      // Another start of the program was faster.
      if (!(await exists(toolchain.directory))) throw error
    })
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  return toolchain
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true })
  await chmod(path, 0o755)
}

async function write(path: string, content: string | Buffer): Promise<void> {
  await writeFile(path, content)
  await chmod(path, 0o644)
}

/** A hard link where the original is readable for everybody and on the same file system, else a copy. */
async function provide(source: string, target: string, mode: number): Promise<void> {
  if (((await stat(source)).mode & mode) === mode) {
    const linked = await link(source, target).then(
      () => true,
      () => false,
    )
    if (linked) return
  }
  await copyFile(source, target, constants.COPYFILE_FICLONE)
  await chmod(target, mode)
}

async function provideTree(
  source: string,
  target: string,
  isUsed: (directory: string) => boolean,
): Promise<void> {
  await makeDirectory(target)
  const entries = await readdir(source, { withFileTypes: true })
  await Promise.all(
    entries.map(async (entry) => {
      const from = join(source, entry.name)
      const to = join(target, entry.name)
      if (entry.isDirectory() && isUsed(from)) await provideTree(from, to, isUsed)
      else if (entry.isFile()) await provide(from, to, 0o644)
    }),
  )
}

// Documentation, and links to executables that nobody calls.
const SKIPPED: ReadonlySet<string> = new Set(['docs', 'man', '.bin'])

function isUsedOfNpm(directory: string): boolean {
  return !SKIPPED.has(basename(directory))
}

const PROCESSORS: Readonly<Record<string, string>> = { x64: 'linux-x86_64', arm64: 'linux-aarch64' }

/** OpenSSL's are there for each kind of processor, fifty megabytes of them. */
function isUsedHeader(directory: string): boolean {
  return basename(dirname(directory)) !== 'archs' || basename(directory) === PROCESSORS[process.arch]
}
