import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type Docker from 'dockerode'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The base of deploy/image/Dockerfile, as {@link buildBase} names it. */
export const BASE = 'catwalk/test-built-base:1'
const DEBIAN = 'catwalk/test-debian:1'
/** The image of Docker Hub has these settings as well: nothing waits for the disk, nobody reads manuals. */
const SLIM = ['force-unsafe-io', 'path-exclude=/usr/share/doc/*', 'path-exclude=/usr/share/man/*'].map(
  (option) => `--dpkgopt=${option}`,
)
const MIRROR = 'http://deb.debian.org/debian'

/**
 * Builds deploy/image/Dockerfile on a Debian made of Debian's own archive, which stands for `debian:bookworm-slim`: images
 * of Docker Hub are nothing that tests reach.
 */
export async function buildBase(docker: Docker): Promise<void> {
  const made = spawn('mmdebstrap', ['--quiet', '--variant=apt', ...SLIM, 'bookworm', '-', MIRROR], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = text(made.stderr)
  const [repo, tag] = DEBIAN.split(':')
  for await (const _ of await docker.importImage(made.stdout, { repo, tag })) {
    // Read to its end: the image is there then.
  }
  if ((made.exitCode ?? (await once(made, 'exit'))[0]) !== 0) throw new Error(`mmdebstrap: ${await said}`)
  await buildImage(docker, 'Dockerfile', join(root, 'deploy', 'image'), { tag: BASE, base: DEBIAN })
}

/**
 * Has the engine build a Dockerfile of deploy/image, every line of it.
 * @param context folder that it copies from
 */
export async function buildImage(
  docker: Docker,
  dockerfile: string,
  context: string,
  { tag, base }: { readonly tag: string; readonly base: string },
): Promise<void> {
  const file = join(root, 'deploy', 'image', dockerfile)
  const copied = join(context, dockerfile)
  if (copied !== file) await copyFile(file, copied)
  const tar = spawn('tar', ['-C', context, '-c', '.'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const progress = await docker.buildImage(tar.stdout, {
    t: tag,
    dockerfile,
    buildargs: { BASE: base },
    // The engine has no network of its own, and some lines ask Debian's archive.
    networkmode: 'host',
  })
  let told = ''
  for await (const chunk of progress) told += String(chunk)
  if (copied !== file) await rm(copied)
  if (!told.includes('Successfully tagged')) throw new Error(`${tag} was not built: ${told.slice(-2000)}`)
}
