import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Runtime } from '../../domain/index.ts'
import { connectOverSocket } from '../remote/index.ts'
import { createConfinedRuntime, type ConfinedRuntimeOptions } from '../confined/index.ts'
import { createContainerConfinement } from './confinement.ts'
import { INIT_NAME, WAY_NAME } from './container-options.ts'

export interface DockerRuntimeOptions extends ConfinedRuntimeOptions {
  /** Path of the engine's Unix socket. The engine runs on this machine: containers show directories of it. */
  readonly socketPath: string
  /** What servers run on: a Debian with what they need besides Node, such as Python. */
  readonly image: string
  /** Another OCI runtime of the engine, such as gVisor's `runsc`; null for the engine's own default. */
  readonly ociRuntime: string | null
}

const MESSAGE_BYTES = 64 * 1024 * 1024

/**
 * Runs servers in Docker containers of this machine, each with no network but an egress proxy. Nothing happens until it is
 * first used.
 */
export function createDockerRuntime(options: DockerRuntimeOptions): Runtime {
  return createConfinedRuntime(options, {
    kind: 'docker',
    folder: 'docker',
    files: async () => {
      return new Map(await Promise.all([INIT_NAME, WAY_NAME].map(namedFile)))
    },
    connectHttp: (socketPath, path, output) =>
      connectOverSocket({
        socketPath,
        path,
        output,
        maxMessageBytes: options.maxMessageBytes ?? MESSAGE_BYTES,
      }),
    open: async ({ dataDir, toolchain }) => {
      // With all that it brings for engines elsewhere it takes memory that only who uses it should pay.
      const { default: Docker } = await import('dockerode')
      return createContainerConfinement({
        engine: new Docker({ socketPath: options.socketPath }),
        image: options.image,
        ociRuntime: options.ociRuntime,
        dataDir,
        toolchain,
        logger: options.logger,
      })
    },
  })
}

/** One that lies beside this one. */
async function namedFile(name: string): Promise<readonly [string, Buffer]> {
  return [name, await readFile(fileURLToPath(new URL(name, import.meta.url)))]
}
