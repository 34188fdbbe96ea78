import {
  CatwalkError,
  type LaunchPackage,
  networkPolicyKind,
  type RunSettings,
  type RuntimeKind,
  type RuntimeOffer,
} from '../../domain/index.ts'

/** What is asked of a runtime. */
interface Asked extends Pick<RunSettings, 'network'> {
  readonly personal?: readonly string[] | undefined
  /** A limit that somebody wants; undefined: whatever is usual there. */
  readonly memoryMiB?: number | undefined
}

/**
 * Where a release is to run: what was asked for, or the installation's first that runs packages of its kind.
 * @param packaged null while it is not known what is to be run
 * @throws CatwalkError `runtime_unavailable` when it is not offered here or cannot do what the settings ask of it
 */
export function chooseRuntime(
  offers: readonly RuntimeOffer[],
  asked: RuntimeKind | undefined,
  settings: Asked,
  packaged: LaunchPackage['kind'] | null,
): RuntimeKind {
  const runs = ({ supports }: RuntimeOffer): boolean =>
    packaged === null || supports.packages.includes(packaged)
  const offer = asked === undefined ? offers.find(runs) : offers.find(({ kind }) => kind === asked)
  const details = { field: 'runtime' }
  if (offer === undefined) {
    const has = offers.map(({ kind }) => kind).join(', ')
    throw new CatwalkError(
      'runtime_unavailable',
      asked === undefined
        ? packaged === 'oci'
          ? "This is an image, and images run on the runtimes 'docker' and 'kubernetes', of which this installation has none."
          : 'This cannot be run on this installation: it has no runtime for it.'
        : `This installation has no runtime '${asked}'. It has: ${has === '' ? 'none' : has}.`,
      { details, ...(asked === undefined && packaged === 'oci' ? { help: IMAGES_NEED } : {}) },
    )
  }
  if (!runs(offer)) {
    throw new CatwalkError('runtime_unavailable', whyNot(offer, packaged), {
      details,
      help: offers.some(runs) ? 'Leave the runtime out: then one is chosen that can.' : IMAGES_NEED,
    })
  }
  if (settings.memoryMiB !== undefined && !offer.supports.memoryLimit) {
    throw new CatwalkError(
      'runtime_unavailable',
      `The runtime '${offer.kind}' cannot limit the memory of a server.`,
      { details: { field: 'memoryMiB' }, help: 'Leave the limit out.' },
    )
  }
  const policy = networkPolicyKind(settings.network)
  if (!offer.supports.networkPolicies.includes(policy)) {
    throw new CatwalkError(
      'runtime_unavailable',
      `The runtime '${offer.kind}' does not know the network policy '${policy}'.`,
      { details, help: `It knows: ${offer.supports.networkPolicies.join(', ')}.` },
    )
  }
  if ((settings.personal ?? []).length > 0 && offer.supports.people !== true) {
    throw new CatwalkError(
      'runtime_unavailable',
      `The runtime '${offer.kind}' cannot run a process for each member, so nobody can bring credentials of their own there.`,
      { details },
    )
  }
  return offer.kind
}

/**
 * Whether a workspace can use a runtime, before anything is stored.
 * @throws CatwalkError `runtime_unavailable` with what the workspace has not given
 */
export async function admitWorkspace(
  offers: readonly RuntimeOffer[],
  runtime: RuntimeKind,
  workspaceId: string,
): Promise<void> {
  await offers.find(({ kind }) => kind === runtime)?.admit?.(workspaceId)
}

const IMAGES_NEED =
  'Switch the Docker runtime on (CATWALK_DOCKER_RUNTIME=true, see docs/docker.md), or that for Kubernetes (docs/kubernetes.md).'

function whyNot({ kind }: RuntimeOffer, packaged: LaunchPackage['kind'] | null): string {
  if (packaged === 'remote') return `Someone else runs this server, so it cannot run on '${kind}'.`
  if (kind === 'remote')
    return "The runtime 'remote' only reaches servers that someone else runs, and this is none."
  if (packaged === 'mcpb') return `The runtime '${kind}' runs no bundles; 'local' and 'docker' do.`
  return packaged === 'oci'
    ? `The runtime '${kind}' runs no images; 'docker' and 'kubernetes' do.`
    : `The runtime '${kind}' does not run packages of this kind.`
}
