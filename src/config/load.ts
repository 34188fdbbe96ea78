import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { isIPv4 } from 'node:net'
import type { z } from 'zod'
import { CatwalkError, quoted, type MemoryPrice, type ReplicaRole, type Secret } from '../domain/index.ts'
import { nearest } from './nearest.ts'
import { CLIENT_VARIABLES, flagOf, SETTINGS, type SettingKey } from './settings.ts'

export interface Config {
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  /** Absolute. */
  readonly dataDir: string
  /** Origin without a trailing slash. Null while the port is still to be found: see {@link publicUrlOn}. */
  readonly publicUrl: string | null
  /** Null for the embedded database. */
  readonly databaseUrl: Secret | null
  /** Null for the key file in the data directory. */
  readonly masterKey: Secret | null
  /** Null for the index of the host's pip. */
  readonly pypiIndexUrl: Secret | null
  readonly signUp: 'open' | 'invitation' | 'closed'
  readonly githubClientId: string | null
  readonly githubClientSecret: Secret | null
  /** Without a slash at the end. */
  readonly githubUrl: string
  readonly googleClientId: string | null
  readonly googleClientSecret: Secret | null
  /** Null for Google's own. */
  readonly googleUrl: string | null
  /** Null where no mail is sent. */
  readonly smtpUrl: Secret | null
  readonly mailFrom: string | null
  readonly localRuntime: boolean
  readonly dockerRuntime: boolean
  /** Absolute. */
  readonly dockerSocket: string
  readonly dockerImage: string
  /** Null for the engine's own. */
  readonly dockerOciRuntime: string | null
  readonly flyRuntime: boolean
  /** Not null where the runtime is switched on. */
  readonly flyImage: string | null
  /** Null: the nearest one. */
  readonly flyRegion: string | null
  readonly flyOrganisation: string
  readonly flyReach: 'public' | 'private'
  readonly flyVolumeGiB: number
  readonly kubernetesRuntime: boolean
  /** Not null where the runtime is switched on. */
  readonly kubernetesImage: string | null
  /** Null for the service account of the pod that we run in. */
  readonly kubernetesKubeconfig: string | null
  readonly kubernetesContext: string | null
  readonly kubernetesNamespace: string
  readonly kubernetesVolumeGiB: number
  readonly kubernetesStorageClass: string | null
  readonly kubernetesRuntimeClass: string | null
  readonly kubernetesPullSecret: string | null
  readonly kubernetesCallers: string | null
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  readonly logFormat: 'pretty' | 'json'
  readonly allowUnsandboxed: boolean
  readonly maxMessageBytes: number
  readonly defaultMemoryMiB: number
  readonly installTimeoutMs: number
  readonly analysisTimeoutMs: number
  readonly anthropicApiKey: Secret | null
  readonly anthropicBaseUrl: string
  readonly openRouterApiKey: Secret | null
  readonly openRouterBaseUrl: string
  /** Null for the provider's default. */
  readonly model: string | null
  readonly modelBudgetTokens: number
  readonly modelTimeoutMs: number
  readonly probeTimeoutMs: number
  readonly wakeTimeoutMs: number
  /** 0: deployments do not fall asleep unless they have a time of their own. */
  readonly idleTimeoutMs: number
  readonly logRetentionDays: number
  readonly logRetentionLines: number
  readonly callRetentionDays: number
  readonly usageMinuteRetentionDays: number
  readonly usageRetentionDays: number
  readonly usageDayRetentionDays: number
  /** Of a GiB for an hour; null where none is set. */
  readonly memoryPrice: MemoryPrice | null
  /** Null for what follows from the address that is listened on. */
  readonly internalUrl: string | null
  /** Origins of remote servers that are reached although they are not on the public internet. */
  readonly remoteOrigins: readonly string[]
  /** Registries of images that the operator runs, over plain HTTP. */
  readonly imageRegistries: readonly string[]
  /** Private addresses and ranges that confined servers may reach. */
  readonly privateRanges: readonly string[]
  readonly trustedProxies: readonly string[]
  /** Null for all. */
  readonly oauthClientHosts: readonly string[] | null
  /** 0 for no limit. */
  readonly apiAddressRequestsPerMinute: number
  readonly apiUserRequestsPerMinute: number
  readonly tokenRequestsPerMinute: number
  /** 0 for no limit. */
  readonly addressRequestsPerMinute: number
  readonly tokenConcurrency: number
  /** Of a workspace, each 0 for no limit. */
  readonly quotaDeployments: number
  readonly quotaMemoryMiB: number
  readonly quotaCallsPerMinute: number
  readonly quotaConcurrentCalls: number
  /** Origins of providers of accounts that may be inside, or without TLS. */
  readonly accountProviderOrigins: readonly string[]
  /** Processes of people that one deployment may have at a time. */
  readonly peopleAtOnce: number
  readonly deploymentConcurrency: number
  /** At least one. */
  readonly roles: readonly ReplicaRole[]
  readonly staleAfterMs: number
  /** Without a slash at the end. */
  readonly githubApiUrl: string
  /** Without a slash at the end. */
  readonly flyApiUrl: string
  readonly githubToken: Secret | null
  /** Null when it is not asked. Without a slash at the end. */
  readonly registryUrl: string | null
  readonly glamaUrl: string | null
  readonly noticeOrigins: readonly string[]
  readonly registrySyncMs: number
  /** 0: only when somebody asks. */
  readonly updateCheckMs: number
  readonly sourceCacheBytes: number
  /** What installed packages may take on disk, for each runtime. 0 for no limit. */
  readonly storeMiB: number
  /** What the home of a deployment may take on disk. 0 for no limit. */
  readonly homeMiB: number
  readonly uidBase: number
  /** Name of a step to stop at; for tests. */
  readonly pauseAt: string | null
}

/** What is wrong with one setting. */
export interface ConfigProblem {
  /** The variable. */
  readonly variable: string
  readonly reason: string
  readonly fix: string
}

export interface ConfigSource {
  readonly env: Readonly<Record<string, string | undefined>>
  /** By flag in camel case, as commander gives them: `--data-dir` is `dataDir`. They win over variables. */
  readonly flags?: Readonly<Record<string, string | boolean | undefined>>
  /** Facts of the machine that defaults depend on; the real ones by default. */
  readonly machine?: Machine
}

export interface Machine {
  readonly isRoot: boolean
  readonly home: string
  readonly isTerminal: boolean
}

/**
 * Reads the configuration from variables and flags. A variable that is set to nothing counts as not set, unless nothing
 * is a value that it may have.
 * @throws CatwalkError `config_invalid` naming every problem at once, with the reason and the fix; the same as data in
 *   `details.problems`
 */
export function loadConfig(source: ConfigSource): Config {
  const { env, machine = thisMachine() } = source
  const problems: ConfigProblem[] = []
  const values = readSettings(source, problems)
  const engine =
    values.dockerRuntime === true && values.dockerSocket === null ? dockerHost(env, problems) : null
  problems.push(...contradictions(values), ...unknownVariables(env))
  if (problems.length > 0) throw invalid(problems)
  // Without a problem every setting that has a default has a value.
  const {
    maxMessageMiB,
    installTimeoutS,
    probeTimeoutS,
    wakeTimeoutS,
    idleTimeoutS,
    staleAfterS,
    sourceCacheMiB,
    analysisTimeoutS,
    modelTimeoutS,
    registrySyncMinutes,
    updateCheckHours,
    ...rest
  } = values as Values
  return Object.freeze({
    ...rest,
    registrySyncMs: registrySyncMinutes * 60_000,
    updateCheckMs: updateCheckHours * 3_600_000,
    sourceCacheBytes: sourceCacheMiB * 1024 * 1024,
    dataDir: rest.dataDir ?? defaultDataDir(env, machine),
    publicUrl: rest.publicUrl ?? (rest.port === 0 ? null : `http://localhost:${rest.port}`),
    logFormat: rest.logFormat ?? (machine.isTerminal ? 'pretty' : 'json'),
    internalUrl: rest.internalUrl ?? null,
    memoryPrice: rest.memoryPrice ?? null,
    dockerSocket: rest.dockerSocket ?? engine ?? '/var/run/docker.sock',
    dockerOciRuntime: rest.dockerOciRuntime ?? null,
    remoteOrigins: rest.remoteOrigins ?? [],
    flyImage: rest.flyImage ?? null,
    flyRegion: rest.flyRegion ?? null,
    imageRegistries: rest.imageRegistries ?? [],
    privateRanges: rest.privateRanges ?? [],
    kubernetesImage: rest.kubernetesImage ?? null,
    kubernetesKubeconfig: rest.kubernetesKubeconfig ?? null,
    kubernetesContext: rest.kubernetesContext ?? null,
    kubernetesStorageClass: rest.kubernetesStorageClass ?? null,
    kubernetesRuntimeClass: rest.kubernetesRuntimeClass ?? null,
    kubernetesPullSecret: rest.kubernetesPullSecret ?? null,
    kubernetesCallers: rest.kubernetesCallers ?? null,
    trustedProxies: rest.trustedProxies ?? [],
    staleAfterMs: staleAfterS * 1000,
    maxMessageBytes: maxMessageMiB * 1024 * 1024,
    installTimeoutMs: installTimeoutS * 1000,
    analysisTimeoutMs: analysisTimeoutS * 1000,
    modelTimeoutMs: modelTimeoutS * 1000,
    probeTimeoutMs: probeTimeoutS * 1000,
    wakeTimeoutMs: wakeTimeoutS * 1000,
    idleTimeoutMs: idleTimeoutS * 1000,
  })
}

/**
 * The data directory alone, for commands that look for the installation of this machine whatever else is set.
 * @throws CatwalkError `config_invalid`
 */
export function dataDirFrom(source: ConfigSource): string {
  const { env, machine = thisMachine() } = source
  const problems: ConfigProblem[] = []
  const { dataDir } = readSettings(source, problems)
  const own = problems.filter(({ variable }) => variable === SETTINGS.dataDir.name)
  if (own.length > 0) throw invalid(own)
  return dataDir ?? defaultDataDir(env, machine)
}

/** The public URL once the port is known. */
export function publicUrlOn(config: Config, port: number): string {
  return config.publicUrl ?? `http://localhost:${port}`
}

/** Whether only this machine can connect to a listener on `host`. */
export function isLoopback(host: string): boolean {
  return (
    host === 'localhost' || host === '::1' || host === '[::1]' || (isIPv4(host) && host.startsWith('127.'))
  )
}

type SettingValue<K extends SettingKey> = z.output<(typeof SETTINGS)[K]['value']['schema']>

type Values = {
  [K in SettingKey]: (typeof SETTINGS)[K] extends { default: string }
    ? SettingValue<K>
    : SettingValue<K> | null
}

/** The values given or the defaults; null where there is neither or where one is wrong, which is noted in `problems`. */
function readSettings(source: ConfigSource, problems: ConfigProblem[]): Partial<Values> {
  const values: Record<string, unknown> = {}
  for (const [key, setting] of Object.entries(SETTINGS)) {
    const flag = flagOf(setting.name)
    const fromFlag = 'secret' in setting ? undefined : source.flags?.[camelCase(flag)]
    const fromEnv =
      'secret' in setting ? readSecret(setting.name, source.env, problems) : source.env[setting.name]
    const given = fromFlag === undefined ? fromEnv : String(fromFlag)
    const text = given === '' && !('mayBeEmpty' in setting) ? undefined : given
    const parsed = setting.value.schema.safeParse(
      text ?? ('default' in setting ? setting.default : undefined),
    )
    values[key] = parsed.data ?? null
    if (text === undefined || parsed.success) continue
    problems.push({
      variable: setting.name,
      reason: `${'secret' in setting ? 'the value' : quoted(text)} is not ${setting.value.accepts}`,
      fix: `For example: ${fromFlag === undefined ? `${setting.name}=` : `--${flag} `}${setting.example}`,
    })
  }
  return values
}

/** A secret from its variable or, with `_FILE` behind the name, from a file, without the line break at its end. */
function readSecret(name: string, env: ConfigSource['env'], problems: ConfigProblem[]): string | undefined {
  const variable = `${name}_FILE`
  const path = env[variable]
  if (path === undefined || path === '') return env[name]
  if (env[name] !== undefined && env[name] !== '') {
    problems.push({ variable, reason: `is set together with ${name}`, fix: 'Unset one of the two.' })
    return undefined
  }
  try {
    return readFileSync(path, 'utf8').trimEnd()
  } catch {
    const fix = 'Correct the path, and let the user who runs Catwalk read the file.'
    problems.push({ variable, reason: `${quoted(path)} cannot be read`, fix })
    return undefined
  }
}

/** The socket that Docker's own variable names; null where it names none, or one that we cannot use. */
function dockerHost(env: ConfigSource['env'], problems: ConfigProblem[]): string | null {
  const { DOCKER_HOST: host } = env
  if (host === undefined || host === '') return null
  const socket = SETTINGS.dockerSocket.value.schema.safeParse(host)
  if (socket.success) return socket.data
  problems.push({
    variable: 'DOCKER_HOST',
    reason: `${quoted(host)} is an engine of another machine, whose containers see neither Catwalk's files nor its sockets`,
    fix: `Set ${SETTINGS.dockerSocket.name}=/var/run/docker.sock for the engine of this machine, or use Kubernetes, Fly, or Catwalk there with ${SETTINGS.roles.name}=reconciler: docs/docker.md`,
  })
  return null
}

/** Settings that are right by themselves but not together. */
function contradictions(values: Partial<Values>): ConfigProblem[] {
  const { allowUnsandboxed, host, signUp, localRuntime, dockerRuntime, dockerOciRuntime, publicUrl } = values
  const problems: ConfigProblem[] = []
  if (allowUnsandboxed === true && host && !isLoopback(host)) {
    problems.push({
      variable: SETTINGS.allowUnsandboxed.name,
      reason: `works only while Catwalk listens on a loopback address, and ${SETTINGS.host.name} is ${quoted(host)}`,
      fix: `Install bubblewrap and leave it out, or set ${SETTINGS.host.name}=127.0.0.1.`,
    })
  }
  if (signUp === 'open' && localRuntime === true) {
    problems.push({
      variable: SETTINGS.signUp.name,
      reason: 'is open while servers run on this machine: its sandbox keeps servers apart, not strangers out',
      fix: `Set ${SETTINGS.signUp.name}=invitation, or ${SETTINGS.localRuntime.name}=false.`,
    })
  }
  if (signUp === 'open' && dockerRuntime === true && dockerOciRuntime === null) {
    problems.push({
      variable: SETTINGS.signUp.name,
      reason: 'is open while servers run in containers that share the kernel of this machine',
      fix: `Set ${SETTINGS.signUp.name}=invitation, or ${SETTINGS.dockerOciRuntime.name}=runsc (gVisor).`,
    })
  }
  if (values.flyRuntime === true && (values.flyImage ?? null) === null) {
    problems.push({
      variable: SETTINGS.flyImage.name,
      reason: `is missing, and ${SETTINGS.flyRuntime.name} is true`,
      fix: `Build deploy/image, push it, and set the variable to its name. For example: ${SETTINGS.flyImage.name}=${SETTINGS.flyImage.example}`,
    })
  }
  if (values.kubernetesRuntime === true && (values.kubernetesImage ?? null) === null) {
    problems.push({
      variable: SETTINGS.kubernetesImage.name,
      reason: `is missing, and ${SETTINGS.kubernetesRuntime.name} is true`,
      fix: `Build deploy/image, push it, and set the variable to its name. For example: ${SETTINGS.kubernetesImage.name}=${SETTINGS.kubernetesImage.example}`,
    })
  }
  for (const [one, other] of PAIRS) {
    if ((values[one] ?? null) === null || (values[other] ?? null) !== null) continue
    problems.push({
      variable: SETTINGS[other].name,
      reason: `is missing, and ${SETTINGS[one].name} is set`,
      fix: `Set both, or neither. For example: ${SETTINGS[other].name}=${SETTINGS[other].example}`,
    })
  }
  // Whoever is on the way could read passwords and take over sessions.
  if (publicUrl?.startsWith('http:') === true && !isLoopback(new URL(publicUrl).hostname)) {
    problems.push({
      variable: SETTINGS.publicUrl.name,
      reason: `${quoted(publicUrl)} is http, and not an address of this machine`,
      fix: 'Put a reverse proxy with a certificate in front and use its https address, or leave it out to use Catwalk on this machine alone.',
    })
  }
  return problems
}

/** Settings of which the first needs the second. */
const PAIRS = [
  ['githubClientId', 'githubClientSecret'],
  ['githubClientSecret', 'githubClientId'],
  ['googleClientId', 'googleClientSecret'],
  ['googleClientSecret', 'googleClientId'],
  ['smtpUrl', 'mailFrom'],
] as const

/** A misspelt variable would silently leave the default in force. */
function unknownVariables(env: ConfigSource['env']): ConfigProblem[] {
  const known = [
    ...Object.values(SETTINGS).flatMap((setting): string[] =>
      'secret' in setting ? [setting.name, `${setting.name}_FILE`] : [setting.name],
    ),
    ...CLIENT_VARIABLES,
  ]
  return Object.keys(env)
    .filter((name) => name.startsWith('CATWALK_') && !known.includes(name))
    .map((variable) => {
      const meant = nearest(variable, known)
      return {
        variable,
        reason: 'is not a variable that Catwalk knows',
        fix: meant === null ? 'Unset it. docs/configuration.md lists all.' : `Did you mean ${meant}?`,
      }
    })
}

function invalid(problems: readonly ConfigProblem[]): CatwalkError {
  const lines = problems.map(({ variable, reason, fix }) => `${variable}: ${reason}. ${fix}`)
  return new CatwalkError('config_invalid', lines.join('\n'), {
    help: 'Correct what is named and start again. All settings: docs/configuration.md',
    details: { problems },
  })
}

function defaultDataDir(env: ConfigSource['env'], machine: Machine): string {
  if (machine.isRoot) return '/var/lib/catwalk'
  const dataHome = env['XDG_DATA_HOME']
  // The XDG specification: a relative path there is to be ignored.
  return join(dataHome?.startsWith('/') ? dataHome : join(machine.home, '.local', 'share'), 'catwalk')
}

function thisMachine(): Machine {
  return { isRoot: process.getuid?.() === 0, home: homedir(), isTerminal: process.stderr.isTTY }
}

function camelCase(flag: string): string {
  return flag.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
