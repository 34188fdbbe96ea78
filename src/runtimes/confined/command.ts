import type { Dial } from '../../network/index.ts'
import type { Identity } from './identities.ts'

/** A file or directory of the host and where the program sees it. */
export interface Mount {
  readonly source: string
  readonly target: string
  readonly writable: boolean
}

export interface Limits {
  readonly memoryMiB: number
  /** Processes and threads together. */
  readonly tasks: number
  /** Cores' worth of time; 1.5 is one and a half. */
  readonly cpus: number
  /** How large a file may become; null for no limit. */
  readonly fileMiB: number | null
}

/** A program to be run confined. Paths in it are as the program sees them. */
export interface ConfinedCommand {
  /** Deterministic and safe in a file name; names the control group. */
  readonly label: string
  /** The program's path and its arguments. They may hold secrets, and show in the program's own process only. */
  readonly argv: readonly string[]
  /** Nothing in `argv` is a secret, so that what confines the program may show it as well. */
  readonly argvIsPublic?: boolean
  /** The whole environment; nothing is inherited. */
  readonly environment: ReadonlyMap<string, string>
  /** Written before the program starts, for it alone to read; each directly in `INSIDE.credentials`. In memory only. */
  readonly files: readonly { readonly path: string; readonly content: string }[]
  readonly workingDirectory: string
  readonly mounts: readonly Mount[]
  readonly identity: Identity | null
  readonly limits: Limits
  /** Where it may connect to; null for nowhere. */
  readonly dial: Dial | null
  /**
   * The image that it runs in, by its digest, when that is not the runtime's own. Then a `PATH` and a working directory
   * are the image's, and so is what is not mounted. Not there: as every program of the runtime.
   */
  readonly image?: {
    readonly reference: string
    /** A port of its own that leads out to whoever runs it, as {@link ConfinedProcess.way}; null for none. */
    readonly port: number | null
  }
  /** What of it programs reach that know nothing of proxies. Not there: nothing. */
  readonly relay?: Relay
}

/** Names have an address inside, and connections to these ports of it are carried on by name. */
export interface Relay {
  /** Whether a name may be known. */
  readonly names: (name: string) => boolean
  readonly ports: readonly number[]
}

/** Where a program finds things. The same on every host, so that nothing of the host shows. */
export const INSIDE = {
  toolchain: '/opt/catwalk/toolchain',
  node: '/opt/catwalk/toolchain/bin/node',
  npm: '/opt/catwalk/toolchain/npm/bin/npm-cli.js',
  package: '/opt/catwalk/package',
  home: '/home/server',
  temporary: '/tmp',
  credentials: '/run/credentials',
  path: '/opt/catwalk/toolchain/bin:/usr/local/bin:/usr/bin:/bin',
  proxyPort: 3128,
} as const
