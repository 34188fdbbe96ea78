import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type Docker from 'dockerode'
import { parse } from 'yaml'

/** The file for operators. */
export const COMPOSE_FILE = fileURLToPath(new URL('../../deploy/compose.yaml', import.meta.url))

/** What is read of a service; that the whole file is well-formed is another test's. */
interface Service {
  readonly environment: Readonly<Record<string, string>>
  readonly secrets: readonly string[]
  readonly volumes: readonly string[]
  readonly tmpfs: readonly string[]
  readonly read_only: boolean
  readonly cap_drop: string[]
  readonly security_opt: readonly string[]
  readonly healthcheck: { readonly test: string[] }
}

export interface ComposedContainer {
  /** As it stands there: variables of whoever runs Compose are not put in. */
  readonly environment: Readonly<Record<string, string>>
  readonly host: Docker.HostConfig
  /** Command of the health check, as the engine wants it. */
  readonly healthCheck: string[]
}

const SYSTEM_PATHS = 'systempaths=unconfined'

/**
 * Catwalk's container as Compose asks the engine for it: all but networks and ports, which the tests' engine has none of.
 * @param secretsFolder in place of the folder `secrets` beside the file
 */
export async function composedCatwalk(secretsFolder: string): Promise<ComposedContainer> {
  const file = parse(await readFile(COMPOSE_FILE, 'utf8')) as { readonly services: { catwalk: Service } }
  const { catwalk } = file.services
  const mounts = catwalk.volumes.map((volume) => {
    const [source = '', target = ''] = volume.split(':')
    return { Type: 'volume' as const, Source: `composed-${source}`, Target: target }
  })
  const secrets = catwalk.secrets.map((name) => ({
    Type: 'bind' as const,
    Source: `${secretsFolder}/${name}`,
    Target: `/run/secrets/${name}`,
    ReadOnly: true,
  }))
  return {
    environment: catwalk.environment,
    host: {
      ReadonlyRootfs: catwalk.read_only,
      CapDrop: catwalk.cap_drop,
      // This one is for whoever asks the engine, as the Docker command line does: it is no option of the engine's.
      SecurityOpt: catwalk.security_opt.filter((option) => option !== SYSTEM_PATHS),
      ...(catwalk.security_opt.includes(SYSTEM_PATHS) ? { MaskedPaths: [], ReadonlyPaths: [] } : {}),
      Tmpfs: Object.fromEntries(catwalk.tmpfs.map((one) => one.split(':') as [string, string])),
      Mounts: [...mounts, ...secrets],
    },
    healthCheck: catwalk.healthcheck.test,
  }
}
