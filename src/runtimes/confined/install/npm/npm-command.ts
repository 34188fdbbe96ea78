import type { Mount } from '../../command.ts'

/** What an installation needs to know of this host's npm. */
export interface InstallConfiguration {
  /** Address of the default registry. */
  readonly registry: string
  /** Registries in use, the default one and those of scopes, as `host:port` of what npm connects to. */
  readonly origins: readonly string[]
  /** Text of an .npmrc with registries, credentials and TLS settings; a secret. */
  readonly npmrc: string
  /** Certificates (PEM) that npm trusts instead of Node's own; null for Node's own. */
  readonly certificates: string | null
  /** Certificates (PEM) that are trusted besides; null for none. */
  readonly extraCertificates: string | null
}

/** Where an installation's directories are, as it sees them. */
const INSTALL_INSIDE = {
  cache: '/opt/catwalk/cache',
  configuration: '/opt/catwalk/configuration',
} as const

const CONFIGURATION = INSTALL_INSIDE.configuration

// npm as a tool: nothing that asks, reports, counts or fetches from anywhere but a registry.
const ALWAYS = [
  '--no-audit',
  '--no-fund',
  '--no-update-notifier',
  '--no-progress',
  '--no-color',
  '--omit=dev',
  // Lock files are kept in the database and used on other machines, whose registry may be another.
  '--omit-lockfile-registry-resolved',
  '--allow-git=none',
  '--allow-remote=none',
  '--logs-max=0',
  `--userconfig=${CONFIGURATION}/npmrc`,
  `--globalconfig=${CONFIGURATION}/none`,
]

export type InstallStep = 'resolve' | 'resolve-and-install' | 'install' | 'install-lenient' | 'scripts'

const STEP_ARGUMENTS: Readonly<Record<InstallStep, readonly string[]>> = {
  // Asks whether its copies are still good: from those of last week no version of this week can be had.
  resolve: [
    'install',
    '--package-lock-only',
    '--ignore-scripts',
    '--prefer-online',
    `--cache=${INSTALL_INSIDE.cache}`,
  ],
  'resolve-and-install': [
    'install',
    '--ignore-scripts',
    '--prefer-online',
    `--cache=${INSTALL_INSIDE.cache}`,
  ],
  install: ['ci', '--ignore-scripts', `--cache=${INSTALL_INSIDE.cache}`],
  'install-lenient': ['install', '--ignore-scripts', `--cache=${INSTALL_INSIDE.cache}`],
  scripts: ['rebuild', '--foreground-scripts', '--dangerously-allow-all-scripts', '--cache=/tmp/npm'],
}

/** npm's arguments for one step. Scripts run in a step of their own, without npm's credentials and cache. */
export function npmArguments(step: InstallStep): string[] {
  return [...STEP_ARGUMENTS[step], ...ALWAYS]
}

/** For node-gyp, which would fetch Node's headers else. */
export function compilerEnvironment(nodeHeaders: string | null): [name: string, value: string][] {
  return nodeHeaders === null ? [] : [['npm_config_nodedir', nodeHeaders]]
}

/** The environment of npm. */
export function npmEnvironment(
  step: InstallStep,
  configuration: InstallConfiguration,
  nodeHeaders: string | null,
): Map<string, string> {
  const environment = new Map([['CI', 'true']])
  if (step === 'scripts') {
    for (const [name, value] of compilerEnvironment(nodeHeaders)) environment.set(name, value)
  } else if (configuration.extraCertificates !== null) {
    environment.set('NODE_EXTRA_CA_CERTS', `${CONFIGURATION}/extra-certificates.pem`)
  }
  return environment
}

/** The files of the configuration directory. */
export function configurationFiles(configuration: InstallConfiguration): Readonly<Record<string, string>> {
  const { npmrc, certificates, extraCertificates } = configuration
  return {
    npmrc: certificates === null ? npmrc : `${npmrc}\ncafile=${CONFIGURATION}/certificates.pem\n`,
    ...(certificates === null ? {} : { 'certificates.pem': certificates }),
    ...(extraCertificates === null ? {} : { 'extra-certificates.pem': extraCertificates }),
  }
}

/** What a step sees of the host besides the tree. */
export function installMounts(
  step: InstallStep,
  directories: { readonly cache: string; readonly configuration: string },
): Mount[] {
  if (step === 'scripts') return []
  return [
    { source: directories.cache, target: INSTALL_INSIDE.cache, writable: true },
    { source: directories.configuration, target: CONFIGURATION, writable: false },
  ]
}
