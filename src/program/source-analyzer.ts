import {
  CatwalkError,
  chooseExecutable,
  formatSource,
  type AnalysableSource,
  type Analysis,
  type AnalysisWarning,
  type PackageIndex,
  type PackageInfo,
  type SourceAnalyzer,
} from '../domain/index.ts'

const RECENT_MS = 7 * 86_400_000

/** Finds out what a package of npm is from what the index says of it. */
export function createSourceAnalyzer(packages: PackageIndex, now: () => Date): SourceAnalyzer {
  return {
    async analyze({ source, onStep, recall }, signal) {
      if (source.kind !== 'npm') throw notYet(source)
      onStep('looking_up', source.name)
      const info = await packages.resolve(source.name, source.version, signal)
      const pinned = formatSource({ kind: 'npm', name: info.name, version: info.version })
      return { pinned, analysis: (await recall(pinned)) ?? describe(info, pinned, now()) }
    },
    async toPackage({ launch }, executable, signal) {
      if (launch?.package.registry !== 'npm') {
        throw new CatwalkError('source_not_deployable', 'Only packages of npm can be deployed yet.')
      }
      const info = await packages.resolve(launch.package.name, launch.package.version, signal)
      return {
        kind: 'npm',
        name: info.name,
        version: info.version,
        integrity: info.integrity,
        executable: chooseExecutable(info, executable),
      }
    },
  }
}

function describe(info: PackageInfo, pinned: string, now: Date): Analysis {
  return {
    source: { kind: 'npm', url: pinned, commit: null, path: '' },
    verdict: 'deployable',
    reason: null,
    launch: {
      package: { registry: 'npm', name: info.name, version: info.version },
      command: info.executables[0] ?? chooseExecutable(info, null),
      args: [],
      transport: 'stdio',
    },
    candidates: [],
    env: [],
    requiredOneOf: [],
    arguments: [],
    tools: [],
    resources: [],
    prompts: [],
    proof: null,
    warnings: warningsOf(info, now),
    model: null,
    about: {
      description: info.description,
      license: info.license,
      repository: info.repository,
      publishedAt: info.publishedAt?.toISOString() ?? null,
      integrity: info.integrity,
      unpackedBytes: info.unpackedBytes,
      hasInstallScripts: info.hasInstallScripts,
      executables: info.executables,
    },
  }
}

function warningsOf(info: PackageInfo, now: Date): AnalysisWarning[] {
  const warnings: AnalysisWarning[] = []
  if (info.deprecated !== null) {
    warnings.push({ code: 'deprecated', message: `Its author marked it as deprecated: ${info.deprecated}` })
  }
  if (info.hasInstallScripts) {
    warnings.push({
      code: 'install_scripts',
      message:
        'It has install scripts, which do not run unless you allow them. Without them it may not work.',
    })
  }
  if (info.publishedAt !== null && now.getTime() - info.publishedAt.getTime() < RECENT_MS) {
    warnings.push({ code: 'recently_published', message: 'This version was published less than a week ago.' })
  }
  return warnings
}

const WHAT = {
  pypi: 'Packages of PyPI',
  oci: 'Images',
  github: 'Repositories',
  git: 'Repositories',
  registry: 'Entries of the registry',
  remote: 'Remote servers',
} as const

function notYet(source: Exclude<AnalysableSource, { kind: 'npm' }>): CatwalkError {
  return new CatwalkError('source_not_deployable', `${WHAT[source.kind]} cannot be deployed yet.`, {
    details: { field: 'source' },
  })
}
