import type { Config } from '../config/index.ts'
import { allowRanges, Secret, type Runtime, type WorkspaceValues } from '../domain/index.ts'
import { createDockerRuntime, type DockerRuntimeOptions } from '../runtimes/docker/index.ts'
import type { HttpClient } from '../network/index.ts'
import { createRemoteRuntime } from '../runtimes/remote/index.ts'
import { createFlyRuntime, type FlyAccount } from '../runtimes/fly/index.ts'
import { createKubernetesRuntime } from '../runtimes/kubernetes/index.ts'
import { createLocalRuntime, type LocalRuntimeOptions } from '../runtimes/local/index.ts'
import type { Vault } from '../vault/index.ts'

type Confined = Omit<
  LocalRuntimeOptions & DockerRuntimeOptions,
  'mayReach' | 'allowUnsandboxed' | 'socketPath' | 'image' | 'ociRuntime'
>

type Shared = Confined & {
  readonly userAgent: string
  readonly vault: Pick<Vault, 'derive'>
  /** What a workspace has brought along. */
  readonly valuesOf: (workspaceId: string) => Promise<WorkspaceValues>
}

/** The runtimes that are switched on; the first is where deployments run that choose none. */
export function createRuntimes(config: Config, shared: Shared, http: HttpClient): readonly Runtime[] {
  const {
    allowUnsandboxed,
    dockerSocket: socketPath,
    dockerImage: image,
    dockerOciRuntime: ociRuntime,
  } = config
  const mayReach = allowRanges(config.privateRanges)
  return [
    ...(config.localRuntime ? [createLocalRuntime({ ...shared, mayReach, allowUnsandboxed })] : []),
    ...(config.dockerRuntime
      ? [createDockerRuntime({ ...shared, mayReach, socketPath, image, ociRuntime })]
      : []),
    ...(config.flyRuntime ? [flyRuntime(config, shared)] : []),
    ...(config.kubernetesRuntime ? [kubernetesRuntime(config, shared)] : []),
    createRemoteRuntime({ http, origins: config.remoteOrigins, maxMessageBytes: config.maxMessageBytes }),
  ]
}

const START_MS = 240_000
/** An API may be away for a minute without a start failing, and as long again to be found back. */
const PATIENCE_MS = 120_000
const RETRY_BASE_MS = 500

function flyRuntime(config: Config, shared: Shared): Runtime {
  const { userAgent, vault, valuesOf, npm, pypi, installTimeoutMs, logger } = shared
  return createFlyRuntime({
    apiUrl: config.flyApiUrl,
    userAgent,
    accountOf: async (workspaceId): Promise<FlyAccount | null> => {
      const values = await valuesOf(workspaceId)
      const token = values.get('FLY_API_TOKEN')
      const app = values.get('FLY_APP')
      return token === undefined || app === undefined ? null : { token, app: app.reveal() }
    },
    npm,
    pypi,
    image: config.flyImage ?? '',
    region: config.flyRegion,
    organisation: config.flyOrganisation,
    reach: config.flyReach,
    proxyUrl: (app) => new URL(`https://${app}.fly.dev`),
    volumeGiB: config.flyVolumeGiB,
    // The same on every node: they have one vault.
    installation: vault.derive('fly/installation', 8).toString('hex'),
    secretOf: (name) => new Secret(vault.derive(`fly/${name}`, 32).toString('base64url')),
    installTimeoutMs,
    startTimeoutMs: START_MS,
    patienceMs: PATIENCE_MS,
    retryBaseMs: RETRY_BASE_MS,
    logger,
  })
}

function kubernetesRuntime(config: Config, shared: Shared): Runtime {
  const { vault, npm, pypi, installTimeoutMs, logger } = shared
  return createKubernetesRuntime({
    cluster: {
      kubeconfig: config.kubernetesKubeconfig,
      context: config.kubernetesContext,
      namespace: config.kubernetesNamespace,
      patienceMs: PATIENCE_MS,
      retryBaseMs: RETRY_BASE_MS,
    },
    pods: {
      image: config.kubernetesImage ?? '',
      volumeGiB: config.kubernetesVolumeGiB,
      storageClass: config.kubernetesStorageClass,
      runtimeClass: config.kubernetesRuntimeClass,
      pullSecret: config.kubernetesPullSecret,
      callers: config.kubernetesCallers,
    },
    npm,
    pypi,
    // The same on every node: they have one vault.
    installation: vault.derive('kubernetes/installation', 8).toString('hex'),
    secretOf: (instanceId) => new Secret(vault.derive(`kubernetes/${instanceId}`, 32).toString('base64url')),
    installTimeoutMs,
    startTimeoutMs: START_MS,
    maxMessageBytes: config.maxMessageBytes,
    logger,
  })
}
