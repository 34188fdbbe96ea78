import { access, lstat, readlink } from 'node:fs/promises'
import { join } from 'node:path'

/** What of the host's own files every sandbox shows, read-only. */
export interface SystemFiles {
  readonly directories: readonly string[]
  readonly links: readonly { readonly path: string; readonly target: string }[]
  readonly files: readonly { readonly source: string; readonly target: string }[]
}

/** What the installed bubblewrap can do beyond the basics. */
export interface BubblewrapFeatures {
  /** `--size`, since 0.7 */
  readonly size: boolean
  /** `--disable-userns`, since 0.8 */
  readonly disableUserns: boolean
  /** `--perms`, since 0.5 */
  readonly perms: boolean
}

/** Reads bubblewrap's own help text. */
export function bubblewrapFeatures(help: string): BubblewrapFeatures {
  return {
    size: help.includes('--size '),
    disableUserns: help.includes('--disable-userns'),
    perms: help.includes('--perms '),
  }
}

// Separate directories on some distributions, links into /usr on most.
const TOP_LEVEL = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32']
// Programs and libraries need these; the rest of /etc is the host's business.
const CONFIGURATION = [
  '/etc/alternatives',
  '/etc/ca-certificates',
  '/etc/ld.so.cache',
  '/etc/ld.so.conf',
  '/etc/ld.so.conf.d',
  '/etc/localtime',
  '/etc/pki/ca-trust/extracted',
  '/etc/pki/tls/certs',
  '/etc/ssl/certs',
]
// Made by the toolchain, see toolchain.ts.
const GENERATED = ['passwd', 'group', 'hosts', 'resolv.conf', 'nsswitch.conf']

/** Finds out how this host lays out its system. `toolchain` is the toolchain's directory on the host. */
export async function findSystemFiles(toolchain: string): Promise<SystemFiles> {
  const directories = ['/usr']
  const links: { path: string; target: string }[] = []
  for (const path of TOP_LEVEL) {
    const found = await lstat(path).catch(() => null)
    if (found?.isSymbolicLink()) links.push({ path, target: await readlink(path) })
    else if (found?.isDirectory()) directories.push(path)
  }
  const files: { source: string; target: string }[] = []
  for (const path of CONFIGURATION) {
    const exists = await access(path).then(
      () => true,
      () => false,
    )
    if (exists) files.push({ source: path, target: path })
  }
  for (const name of GENERATED) files.push({ source: join(toolchain, 'etc', name), target: `/etc/${name}` })
  return { directories, links, files }
}
