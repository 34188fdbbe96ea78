import { queries } from '../db/index.ts'
import {
  anySignal,
  CatwalkError,
  createRedactor,
  launchCommand,
  newId,
  type Instance,
  type InstanceEnd,
  type LineSink,
  type Manifest,
  type Redactor,
  type Runtime,
  type Secret,
} from '../domain/index.ts'
import { openCredentials, openPersonalCredentials } from '../services/index.ts'
import type { ReconcilerDependencies } from './dependencies.ts'
import { startPeople } from './people.ts'
import { placeholders } from './person-launch.ts'
import { accountNeeded, startRefusing } from './refusing.ts'

/** A release with all that is needed to install and start it. */
export interface Launchable {
  readonly deployment: queries.DeploymentRow
  readonly release: queries.ReleaseRow
  readonly runtime: Runtime
  readonly credentials: ReadonlyMap<string, Secret>
  /** Credentials that come from an account for everybody, which is not connected. */
  readonly disconnected: readonly string[]
  readonly redact: Redactor
  /** Takes what is printed; an instance has its own. */
  readonly outputOf: (instanceId: string | null) => LineSink
}

/**
 * Decrypts the credentials of a release and gives its output a redactor.
 * @throws CatwalkError `credential_unreadable`, `missing_variable`, `runtime_unavailable` when its runtime is not on this node
 */
export async function makeLaunchable(
  deps: ReconcilerDependencies,
  deployment: queries.DeploymentRow,
  release: queries.ReleaseRow,
  signal: AbortSignal,
): Promise<Launchable> {
  const kind = release.settings.runtime
  const runtime = deps.runtimes.get(kind)
  if (runtime === undefined) {
    throw new CatwalkError('runtime_unavailable', `This node has no runtime '${kind}'.`)
  }
  const rows = await queries.credentialsOf(deps.db, deployment.id, release.credential_versions)
  const accounts = accountNames(release)
  if (accounts.length > 0) await deps.accounts.freshen(deployment.id, null, signal)
  const connected = await connectedOf(deps.db, release)
  const credentials = new Map([
    ...openCredentials(deps.vault, rows),
    ...openPersonalCredentials(deps.vault, connected),
  ])
  // Before anything is installed: throws when a value is missing that is not everybody's own.
  const given = placeholders(release, [...(release.settings.personal ?? []), ...accounts])
  launchCommand(release.launch_spec, [], new Map([...given, ...credentials]), '')
  // The values are revealed to a function that only ever removes them.
  const redact = createRedactor(new Map([...credentials].map(([name, secret]) => [name, secret.reveal()])))
  return {
    deployment,
    release,
    runtime,
    credentials,
    disconnected: accounts.filter((name) => !credentials.has(name)),
    redact,
    outputOf: (instanceId) => (stream, line) => {
      deps.logs.append(
        {
          workspaceId: deployment.workspace_id,
          deploymentId: deployment.id,
          releaseId: release.id,
          instanceId,
          stream,
          line,
          at: new Date(),
        },
        redact,
      )
    },
  }
}

/**
 * Installs the release, or finds it in the store.
 * @returns its lock file and what to tell about it
 * @throws CatwalkError as `Runtime.prepare`
 */
export async function install(
  { deployment, release, runtime, outputOf }: Launchable,
  signal: AbortSignal,
): Promise<{ lockFile: string; message: string }> {
  const prepared = await runtime.prepare(
    {
      workspaceId: deployment.workspace_id,
      deploymentId: deployment.id,
      spec: release.launch_spec,
      settings: release.settings,
      lockFile: release.lock_file,
      output: outputOf(null),
    },
    signal,
  )
  const { lockFile } = prepared
  if (release.launch_spec.package.kind === 'remote') return { lockFile, message: 'Nothing to install.' }
  const packages = `${prepared.packages} ${prepared.packages === 1 ? 'package' : 'packages'}`
  return {
    lockFile,
    message: prepared.fromStore ? `Installed: ${packages}, all from the store.` : `Installed ${packages}.`,
  }
}

/** Starts an instance of an installed release. */
export async function startInstance(
  deps: ReconcilerDependencies,
  launchable: Launchable,
  lease: queries.Lease,
  lockFile: string,
  signal: AbortSignal,
): Promise<Instance> {
  const { deployment, release, runtime, credentials, disconnected, outputOf } = launchable
  const instanceId = newId('instance')
  if (disconnected.length > 0 && release.state !== 'live') throw accountNeeded(deps.publicUrl, deployment)
  const reading = Promise.all([
    deps.sessions.open(deployment.id),
    // What the probe of this very release found out; a new release is asked anew.
    release.state === 'live' ? queries.liveManifest(deps.db, deployment.id) : null,
  ])
  // Waited for below, unless the lease is lost.
  reading.catch(() => undefined)
  await queries.insertInstance(deps.db, lease, {
    id: instanceId,
    workspace_id: deployment.workspace_id,
    release_id: release.id,
    restart_count: deployment.restart_count,
  })
  try {
    const [sessions, known] = await reading
    const era = known?.era ?? null
    if (disconnected.length > 0) {
      return startRefusing(deps, instanceId, accountNeeded(deps.publicUrl, deployment))
    }
    if (isPersonal(release)) {
      const { epoch } = lease
      return await startPeople(deps, { launchable, instanceId, epoch, lockFile, sessions, era })
    }
    return await runtime.start(
      {
        instanceId,
        workspaceId: deployment.workspace_id,
        deploymentId: deployment.id,
        releaseId: release.id,
        epoch: lease.epoch,
        slot: deployment.slot,
        spec: release.launch_spec,
        settings: release.settings,
        lockFile,
        credentials,
        sealKey: deps.vault.derive(`sessions/${deployment.id}`, 32),
        sessions,
        tools: deps.tools(deployment.id, release.id),
        processes: deployment.processes,
        stateful: deployment.stateful,
        era,
        output: outputOf(instanceId),
      },
      signal,
    )
  } catch (error) {
    await queries.deleteInstance(deps.db, instanceId)
    throw error
  }
}

/** Credentials of a release that come from an account which serves everybody. */
function accountNames({ settings }: queries.ReleaseRow): readonly string[] {
  return Object.keys(settings.accounts ?? {}).filter((name) => settings.personal?.includes(name) !== true)
}

/** The values, encrypted, of the accounts for everybody that are connected. */
async function connectedOf(
  db: queries.Handle,
  release: queries.ReleaseRow,
): Promise<readonly queries.CredentialRow[]> {
  const names = accountNames(release)
  if (names.length === 0) return []
  const rows = await queries.personalCredentialsOf(db, release.deployment_id, null)
  return rows.filter(({ name }) => names.includes(name))
}

/** Whether an account for everybody is missing, now that nobody can connect one at the same time. */
export async function lacksAccount(tx: queries.Handle, release: queries.ReleaseRow): Promise<boolean> {
  return (await connectedOf(tx, release)).length < accountNames(release).length
}

/** Whether each member brings their own credentials, and so has a process of their own. */
export function isPersonal({ settings }: queries.ReleaseRow): boolean {
  return (settings.personal ?? []).length > 0
}

/** A start that failed after its process ran, with how the process ended. */
export class StartFailed extends Error {
  readonly end: InstanceEnd | null

  constructor(cause: unknown, end: InstanceEnd | null) {
    super('the instance did not come up', { cause })
    this.name = 'StartFailed'
    this.end = end
  }
}

/**
 * Waits until the instance has told what it offers; ends it when it does not.
 * @throws StartFailed
 */
export async function probeInstance(
  deps: ReconcilerDependencies,
  instance: Instance,
  signal: AbortSignal,
): Promise<Manifest> {
  return awaitAnswer(deps, instance, async (limit) => instance.endpoint.probe(limit), signal)
}

/**
 * Waits for the first thing that is asked of an instance; ends it when there is no answer.
 * @throws StartFailed
 */
export async function awaitAnswer<T>(
  deps: ReconcilerDependencies,
  instance: Instance,
  ask: (limit: AbortSignal) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const limit = AbortSignal.timeout(deps.probeTimeoutMs)
  try {
    return await ask(anySignal([signal, limit]))
  } catch (error) {
    // Only a process that ended by itself tells something by its exit code.
    const own = await Promise.race([instance.ended, Promise.resolve(null)])
    const end = own ?? (isExit(error) ? await instance.ended : null)
    await instance.stop(0)
    await queries.deleteInstance(deps.db, instance.id)
    const seconds = Math.round(deps.probeTimeoutMs / 1000)
    const silent = new CatwalkError('server_silent', `The server did not answer within ${seconds} s.`)
    throw new StartFailed(limit.aborted && !(error instanceof CatwalkError) ? silent : error, end)
  }
}

function isExit(error: unknown): boolean {
  return error instanceof CatwalkError && error.code === 'server_exited'
}
