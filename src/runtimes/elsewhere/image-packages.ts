import { CatwalkError, type LaunchPackage, type LaunchSpec } from '../../domain/index.ts'

/** Kinds of packages that the program of our image installs. */
export const IMAGE_PACKAGES: readonly LaunchPackage['kind'][] = ['npm', 'pypi']

/**
 * To be asked before anything is made elsewhere, which would take its time and money to refuse the package itself.
 * @throws CatwalkError `runtime_unavailable`
 */
export function mustBeForImage({ package: { kind } }: LaunchSpec): void {
  if (IMAGE_PACKAGES.includes(kind)) return
  const known = IMAGE_PACKAGES.join(' and ')
  throw new CatwalkError(
    'runtime_unavailable',
    `Only packages of ${known} are installed there; not '${kind}'.`,
  )
}
