import { INSIDE } from '../../command.ts'
import type { NodeProject } from './node-project.ts'

/** One program of a build, in a folder of the tree. */
export interface BuildCommand {
  readonly name: string
  readonly argv: readonly string[]
  readonly folder: string
  /** Whether it gets the operator's npm configuration with its credentials: only what runs no code of the repository. */
  readonly credentials: boolean
}

/** Where package managers that are not npm are put, below the tree; gone before the tree is published. */
export const TOOLS = '.catwalk-tools'
const TOOLS_INSIDE = `${INSIDE.package}/${TOOLS}`
const NPM = [INSIDE.node, INSIDE.npm] as const

const NPM_OPTIONS = [
  '--no-audit',
  '--no-fund',
  '--no-update-notifier',
  '--no-progress',
  '--no-color',
  '--allow-git=none',
  '--allow-remote=none',
  '--logs-max=0',
]
const NPM_CONFIGURATION = [
  '--userconfig=/opt/catwalk/configuration/npmrc',
  '--globalconfig=/opt/catwalk/configuration/none',
  '--cache=/opt/catwalk/cache',
]

/** Makes npm's lock file for a project that has none. */
export function lockCommand(project: NodeProject): BuildCommand {
  return {
    name: 'resolve',
    argv: [
      ...NPM,
      'install',
      '--package-lock-only',
      '--ignore-scripts',
      ...NPM_OPTIONS,
      ...NPM_CONFIGURATION,
    ],
    folder: project.root,
    credentials: true,
  }
}

/**
 * All that installs and builds a project, in order. Scripts of dependencies run only when they are allowed; the project's
 * own build script always does, because without it there is nothing to run.
 */
export function buildCommands(project: NodeProject, allowScripts: boolean): readonly BuildCommand[] {
  const commands: (BuildCommand | null)[] = [
    project.managerPackage === null ? null : toolCommand(project.managerPackage),
    { name: 'install', ...installCommand(project), folder: project.root },
    allowScripts && project.manager === 'npm'
      ? {
          name: 'scripts',
          argv: [
            ...NPM,
            'rebuild',
            '--foreground-scripts',
            '--dangerously-allow-all-scripts',
            ...NPM_OPTIONS,
          ],
          folder: project.root,
          credentials: false,
        }
      : null,
    project.build === null
      ? null
      : {
          name: 'build',
          argv: [...runner(project), 'run', project.build.script],
          folder: project.build.folder,
          credentials: false,
        },
  ]
  return commands.filter((command) => command !== null)
}

function toolCommand(managerPackage: string): BuildCommand {
  return {
    name: 'tool',
    argv: [
      ...NPM,
      'install',
      `--prefix=${TOOLS_INSIDE}`,
      '--ignore-scripts',
      '--no-save',
      ...NPM_OPTIONS,
      ...NPM_CONFIGURATION,
      managerPackage,
    ],
    folder: TOOLS,
    credentials: true,
  }
}

function installCommand(project: NodeProject): Pick<BuildCommand, 'argv' | 'credentials'> {
  switch (project.manager) {
    case 'npm':
      return {
        argv: [...NPM, 'ci', '--include=dev', '--ignore-scripts', ...NPM_OPTIONS, ...NPM_CONFIGURATION],
        credentials: true,
      }
    case 'pnpm':
      return {
        argv: [
          ...runner(project),
          'install',
          '--frozen-lockfile',
          '--ignore-scripts',
          '--ignore-pnpmfile',
          '--prod=false',
          `--store-dir=${TOOLS_INSIDE}/store`,
        ],
        credentials: false,
      }
    case 'yarn':
      return {
        argv: isBerry(project)
          ? [...runner(project), 'install', '--immutable', '--mode=skip-build']
          : [...runner(project), 'install', '--frozen-lockfile', '--ignore-scripts', '--production=false'],
        credentials: false,
      }
    default:
      return project.manager satisfies never
  }
}

/** The package manager as a program. */
function runner(project: NodeProject): readonly string[] {
  switch (project.manager) {
    case 'npm':
      return NPM
    case 'pnpm':
      return [INSIDE.node, `${TOOLS_INSIDE}/node_modules/pnpm/bin/pnpm.cjs`]
    case 'yarn':
      return [
        INSIDE.node,
        isBerry(project)
          ? `${TOOLS_INSIDE}/node_modules/@yarnpkg/cli-dist/bin/yarn.js`
          : `${TOOLS_INSIDE}/node_modules/yarn/bin/yarn.js`,
      ]
    default:
      return project.manager satisfies never
  }
}

function isBerry({ managerPackage }: NodeProject): boolean {
  return managerPackage?.startsWith('@yarnpkg/') === true
}

/** Variables for the package managers. `registry` is the default one. */
export function buildEnvironment({ manager }: NodeProject, registry: string): ReadonlyMap<string, string> {
  return new Map([
    ['CI', 'true'],
    ['npm_config_registry', registry],
    // What a repository says of its package manager has been read already; a manager must not replace itself.
    ...(manager === 'pnpm' ? ([['npm_config_manage_package_manager_versions', 'false']] as const) : []),
    ['COREPACK_ENABLE_STRICT', '0'],
    ['YARN_IGNORE_PATH', '1'],
    ['YARN_NPM_REGISTRY_SERVER', registry],
    ['YARN_ENABLE_TELEMETRY', '0'],
    ['YARN_ENABLE_GLOBAL_CACHE', 'false'],
    ['YARN_NODE_LINKER', 'node-modules'],
    ['YARN_HTTP_PROXY', 'http://127.0.0.1:3128'],
    ['YARN_HTTPS_PROXY', 'http://127.0.0.1:3128'],
    ['YARN_UNSAFE_HTTP_WHITELIST', '127.0.0.1'],
  ])
}
