import type { Config } from '../config/index.ts'
import type { Runtime } from '../domain/index.ts'
import { createDockerRuntime, type DockerRuntimeOptions } from '../runtimes/docker/index.ts'
import type { HttpClient } from '../network/index.ts'
import { createLocalRuntime, type LocalRuntimeOptions } from '../runtimes/local/index.ts'
import { createRemoteRuntime } from '../runtimes/remote/index.ts'

type Shared = Omit<
  LocalRuntimeOptions & DockerRuntimeOptions,
  'allowUnsandboxed' | 'socketPath' | 'image' | 'ociRuntime'
>

/** The runtimes that are switched on; the first is where deployments run that choose none. */
export function createRuntimes(config: Config, shared: Shared, http: HttpClient): readonly Runtime[] {
  const {
    allowUnsandboxed,
    dockerSocket: socketPath,
    dockerImage: image,
    dockerOciRuntime: ociRuntime,
  } = config
  return [
    ...(config.localRuntime ? [createLocalRuntime({ ...shared, allowUnsandboxed })] : []),
    ...(config.dockerRuntime ? [createDockerRuntime({ ...shared, socketPath, image, ociRuntime })] : []),
    createRemoteRuntime({ http, origins: config.remoteOrigins, maxMessageBytes: config.maxMessageBytes }),
  ]
}
