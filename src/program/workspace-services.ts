import type { Config } from '../config/index.ts'
import type {
  ModelReader,
  PackageIndex,
  PypiIndex,
  ReadableSource,
  SourceOptions,
  WorkspaceValues,
} from '../domain/index.ts'
import {
  createNpmIndex,
  createPypiIndex,
  loadNpmConfiguration,
  loadPythonIndex,
  withNpmToken,
  withPythonToken,
  type NpmConfiguration,
  type PythonIndexConfiguration,
} from '../packages/index.ts'
import { createModel } from './model.ts'

/**
 * The services outside, as one workspace reaches them: with its own keys where it has some, else as the installation is
 * set up. Nothing that was had with a workspace's key is kept for another.
 */
export interface WorkspaceServices {
  readonly npm: (workspaceId: string) => PackageIndex
  readonly pypi: (workspaceId: string) => PypiIndex
  readonly npmConfiguration: (workspaceId: string) => Promise<NpmConfiguration>
  readonly pythonIndex: (workspaceId: string) => Promise<PythonIndexConfiguration>
  /** Null where there is no key for a language model. */
  readonly model: (workspaceId: string) => Promise<ModelReader | null>
  /** With which rights a source is read. */
  readonly reading: (
    workspaceId: string,
    source: ReadableSource,
    signal: AbortSignal,
  ) => Promise<SourceOptions>
  /** Whether packages may come from where only this workspace is let in. */
  readonly hasOwnPackages: (workspaceId: string) => Promise<boolean>
}

export interface WorkspaceServicesOptions {
  readonly config: Config
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly userAgent: string
  /** The indexes as the installation reaches them. */
  readonly npm: PackageIndex
  readonly pypi: PypiIndex
  /** Asked each time, so that a change counts at once. */
  readonly valuesOf: (workspaceId: string) => Promise<WorkspaceValues>
}

export function createWorkspaceServices(options: WorkspaceServicesOptions): WorkspaceServices {
  const { config, environment, userAgent, valuesOf } = options
  const fallbackModel = createModel(config, new Map())

  const npmConfiguration = async (workspaceId: string): Promise<NpmConfiguration> => {
    const token = (await valuesOf(workspaceId)).get('NPM_TOKEN')
    const shared = await loadNpmConfiguration(environment)
    return token === undefined
      ? shared
      : loadNpmConfiguration(withNpmToken(environment, shared.registry, token))
  }
  const pythonIndex = async (workspaceId: string): Promise<PythonIndexConfiguration> => {
    const token = (await valuesOf(workspaceId)).get('PYPI_TOKEN')
    const shared = await loadPythonIndex(config.pypiIndexUrl?.reveal() ?? null, environment)
    return token === undefined ? shared : withPythonToken(shared, token)
  }
  // One a call: it remembers answers, and those of a private registry are for one workspace and for as long as its
  // token stands.
  const npmOf = async (workspaceId: string): Promise<PackageIndex> =>
    (await valuesOf(workspaceId)).has('NPM_TOKEN')
      ? createNpmIndex({ configuration: () => npmConfiguration(workspaceId) })
      : options.npm
  const pypiOf = async (workspaceId: string): Promise<PypiIndex> =>
    (await valuesOf(workspaceId)).has('PYPI_TOKEN')
      ? createPypiIndex({ configuration: () => pythonIndex(workspaceId), userAgent })
      : options.pypi

  const npm = (workspaceId: string): PackageIndex => ({
    resolve: async (...asked) => (await npmOf(workspaceId)).resolve(...asked),
    download: async (...asked) => (await npmOf(workspaceId)).download(...asked),
    weeklyDownloads: async (...asked) => (await npmOf(workspaceId)).weeklyDownloads(...asked),
  })
  const pypi = (workspaceId: string): PypiIndex => ({
    resolve: async (...asked) => (await pypiOf(workspaceId)).resolve(...asked),
    download: async (...asked) => (await pypiOf(workspaceId)).download(...asked),
  })

  return {
    npm,
    pypi,
    npmConfiguration,
    pythonIndex,
    async model(workspaceId) {
      const values = await valuesOf(workspaceId)
      return values.has('ANTHROPIC_API_KEY') || values.has('OPENROUTER_API_KEY')
        ? createModel(config, values)
        : fallbackModel
    },
    async reading(workspaceId, source, signal) {
      const values = await valuesOf(workspaceId)
      const isOwn = values.has('GITHUB_TOKEN') || values.has('NPM_TOKEN') || values.has('PYPI_TOKEN')
      return {
        // It was given for GitHub, so no other host ever sees it.
        token: source.kind === 'github' ? (values.get('GITHUB_TOKEN') ?? null) : null,
        ...(isOwn ? { owner: workspaceId } : {}),
        indexes: { npm: npm(workspaceId), pypi: pypi(workspaceId) },
        signal,
      }
    },
    async hasOwnPackages(workspaceId) {
      const values = await valuesOf(workspaceId)
      return values.has('NPM_TOKEN') || values.has('PYPI_TOKEN') || values.has('GITHUB_TOKEN')
    },
  }
}
