import { CatwalkError, type RunSettings, type RuntimeKind, type RuntimeOffer } from '../../domain/index.ts'

/**
 * Where a release is to run: what was asked for, or the installation's first.
 * @throws CatwalkError `runtime_unavailable` when it is not offered here or cannot do what the settings ask of it
 */
export function chooseRuntime(
  offers: readonly RuntimeOffer[],
  asked: RuntimeKind | undefined,
  settings: Pick<RunSettings, 'network'> & { readonly personal?: readonly string[] | undefined },
): RuntimeKind {
  const offer = asked === undefined ? offers[0] : offers.find(({ kind }) => kind === asked)
  const details = { field: 'runtime' }
  if (offer === undefined) {
    const has = offers.map(({ kind }) => kind).join(', ')
    throw new CatwalkError(
      'runtime_unavailable',
      asked === undefined
        ? 'Nothing can be run on this installation: it has no runtime.'
        : `This installation has no runtime '${asked}'. It has: ${has === '' ? 'none' : has}.`,
      { details },
    )
  }
  if (!offer.supports.networkPolicies.includes(settings.network)) {
    throw new CatwalkError(
      'runtime_unavailable',
      `The runtime '${offer.kind}' does not know the network policy '${settings.network}'.`,
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
