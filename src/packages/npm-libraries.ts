import { createRequire } from 'node:module'
import { dirname } from 'node:path'

/**
 * Parts of the npm that is locked in package.json: the look-up and the installation are then done by the same code, with
 * the same idea of configuration. npm ships them inside its own package and without types; these are the members used.
 */
export interface NpmLibraries {
  /** Where the npm package is. */
  readonly directory: string
  readonly Config: new (options: NpmConfigOptions) => NpmConfig
  /** What a Config is told about npm's settings; opaque to us. */
  readonly definitions: object
  readonly fetch: (path: string, options: object) => Promise<RegistryResponse>
  /** Downloads and unpacks packages; what does not have the registry's hash is refused. */
  readonly pacote: {
    packument(name: string, options: object): Promise<unknown>
    extract(spec: string, directory: string, options: object): Promise<unknown>
  }
}

export interface NpmConfigOptions {
  readonly npmPath: string
  readonly argv: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly warn: boolean
}

export interface NpmConfig {
  load(): Promise<void>
  /** A setting's value: from the environment, a file or npm's defaults. */
  get(key: string): unknown
  /** Every layer, the strongest first; a layer's `data` holds what it sets itself, variables expanded. */
  readonly data: ReadonlyMap<string, { readonly data: Readonly<Record<string, unknown>> }>
  /** The settings as npm's libraries take them. */
  readonly flat: Readonly<Record<string, unknown>>
}

export interface RegistryResponse {
  readonly body: AsyncIterable<Buffer>
}

/** Loads npm's libraries: about 150 ms the first time. */
export function loadNpmLibraries(): NpmLibraries {
  const manifest = createRequire(import.meta.url).resolve('npm/package.json')
  const require = createRequire(manifest)
  // Checked by the tests against the locked npm; the interface above says what is relied upon.
  return {
    directory: dirname(manifest),
    Config: require('@npmcli/config') as NpmLibraries['Config'],
    definitions: require('@npmcli/config/lib/definitions') as object,
    fetch: require('npm-registry-fetch') as NpmLibraries['fetch'],
    pacote: require('pacote') as NpmLibraries['pacote'],
  }
}
