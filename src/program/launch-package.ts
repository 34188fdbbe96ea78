import {
  CatwalkError,
  chooseExecutable,
  parseSource,
  type Analysis,
  type GitPackage,
  type ImageIndex,
  type LaunchPackage,
  type PackageIndex,
  type PypiIndex,
} from '../domain/index.ts'

export interface Indexes {
  readonly npm: PackageIndex
  readonly pypi: PypiIndex
  readonly images: ImageIndex
  /** Of which a repository's address is one of GitHub's. */
  readonly githubHosts: readonly string[]
}

/**
 * What a release installs of an analysed source, pinned and with its integrity.
 * @param executable which one to run; null for the one that the analysis found
 * @throws CatwalkError `source_not_deployable`, and what the indexes throw
 */
export async function toPackage(
  { launch, source }: Analysis,
  executable: string | null,
  { npm, pypi, images, githubHosts }: Indexes,
  signal: AbortSignal,
): Promise<LaunchPackage> {
  if (launch === null) throw refusal('Nothing in it says how it is started.')
  const { registry, name, version } = launch.package
  switch (registry) {
    case 'npm': {
      const info = await npm.resolve(name, version, signal)
      const found = info.executables.includes(launch.command) ? launch.command : null
      return {
        kind: 'npm',
        name: info.name,
        version: info.version,
        integrity: info.integrity,
        executable: chooseExecutable(info, executable ?? found),
      }
    }
    case 'pypi': {
      const info = await pypi.resolve(name, version, signal)
      return {
        kind: 'pypi',
        name: info.name,
        version: info.version,
        hashes: info.hashes,
        // A package without a script is run as a module.
        program:
          executable === null && launch.build?.program.kind === 'python'
            ? launch.build.program.program
            : { kind: 'script', name: executable ?? launch.command },
      }
    }
    case 'git': {
      const { commit } = source
      if (launch.build === undefined || commit === null)
        throw refusal('It is not published, and nothing says how it is built from its source.')
      const { path, program } = launch.build
      const named =
        executable !== null && program.kind === 'node-executable' ? { ...program, name: executable } : program
      return { kind: 'git', repository: repositoryOf(source.url, githubHosts), commit, path, program: named }
    }
    case 'mcpb': {
      const bundle = parseSource(`mcpb:${source.url}`)
      if (bundle.kind !== 'mcpb' || bundle.sha256 === null) throw refusal('It is no bundle.')
      return { ...bundle, sha256: bundle.sha256, name, version: version ?? '0' }
    }
    case 'oci': {
      const image = parseSource(`oci:${name}${version === null ? '' : `@${version}`}`)
      if (image.kind !== 'oci') throw refusal('Its name is not that of an image.')
      const { digest, entrypoint: program } = await images.resolve(image, signal)
      if (program.length + launch.args.length === 0) throw refusal('The image does not say what it starts.')
      return { kind: 'oci', registry: image.registry, repository: image.repository, digest, program }
    }
    case 'remote': {
      const remote = parseSource(`remote:${name}`)
      if (remote.kind !== 'remote') throw refusal('Its address is not one.')
      return { kind: 'remote', url: remote.url }
    }
  }
}

/** The repository behind the address of an analysed source, which may be one of a commit or folder in it. */
function repositoryOf(url: string, githubHosts: readonly string[]): GitPackage['repository'] {
  const source = parseSource(`git:${url}`, { githubHosts })
  if (source.kind === 'github') return `https://${source.host}/${source.owner}/${source.repository}`
  if (source.kind === 'git') return source.url
  throw refusal('It is not published, and it does not come from a repository.')
}

function refusal(message: string): CatwalkError {
  return new CatwalkError('source_not_deployable', message, { details: { field: 'source' } })
}
