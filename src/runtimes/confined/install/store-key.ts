import { createHash } from 'node:crypto'

/** What makes two installations the same. */
export interface StoreKeyParts {
  readonly name: string
  readonly version: string
  readonly lockFile: string
  readonly allowScripts: boolean
  /** The workspace, where the installation may hold what only it may see; otherwise `''`. */
  readonly owner: string
  readonly platform: string
  readonly architecture: string
  /** What runs it, such as `node-24`. */
  readonly interpreter: string
}

/** The name of an installation in the store: readable, safe in a path, different for different contents. */
export function storeKey(parts: StoreKeyParts): string {
  const lockHash = createHash('sha256').update(parts.lockFile).digest('hex')
  const { name, version, platform, architecture, interpreter, allowScripts, owner } = parts
  const digest = createHash('sha256')
    .update(
      JSON.stringify([name, version, lockHash, platform, architecture, interpreter, allowScripts, owner]),
    )
    .digest('hex')
  return `${storeKeyBeginning(parts)}${digest.slice(0, 32)}`
}

/** How the keys of all installations of a package begin; some of other packages may as well. */
export function storeKeyBeginning({ name, version }: Pick<StoreKeyParts, 'name' | 'version'>): string {
  const readable = `${name}-${version}`.replaceAll(/[^A-Za-z0-9.-]+/g, '-').replace(/^[.-]+/, '')
  return `${readable.slice(0, 60)}-`
}
