import { createBridge, spawnPlain } from '../../bridge/index.ts'
import { CatwalkError, newId, Secret, type Instance } from '../../domain/index.ts'
import { errorMessage } from '../../forwarding/index.ts'
import { createInstances, createLaunch, INSIDE, serverCommand } from '../confined/index.ts'
import { createJournal, type InstanceDocument, type PackageRun } from '../elsewhere/index.ts'
import { dropPrivileges } from './drop-privileges.ts'
import { readImageConfig, type ImageConfig } from './environment.ts'
import { alsoOnConsole, createMachinePreparation, machineConfinement } from './machine.ts'
import { serveInstance, type ServedInstance } from './serve-instance.ts'
import { createSessionLink, type SessionLink } from './session-link.ts'
import { createToolLink, type ToolLink } from './tool-link.ts'

/** How long the last words wait for somebody who reads them. */
const LAST_WORDS_MS = 60_000
const GRACE_MS = 5_000

/**
 * The program in the image: installs what it is told to, runs it behind our bridge, and answers who has the secret, until
 * the server has ended or it is told to stop (SIGTERM, SIGINT).
 * @throws CatwalkError `config_invalid`
 */
export async function runInstance(environment: NodeJS.ProcessEnv): Promise<void> {
  const config = await readImageConfig(environment)
  if (config.document.run.kind === 'package') await dropPrivileges(config.dataDir)
  const told = new AbortController()
  const stop = (): void => told.abort()
  process.once('SIGTERM', stop).once('SIGINT', stop)
  const journal = createJournal()
  const sessions = createSessionLink(journal)
  const { tools: sheet, releaseId } = config.document
  const tools = sheet === null ? null : createToolLink(sheet, releaseId, journal)
  const served = await serveInstance({ ...config, journal, sessions, tools, stop })
  process.stderr.write(`${served.url}\n`)
  const output = alsoOnConsole((stream, line) => journal.add({ kind: 'line', stream, line }))
  try {
    const instance = await start(config, { ...served, sessions, tools, output, signal: told.signal })
    if (instance !== null) {
      served.instance = instance
      journal.add({ kind: 'started' })
      const ask = (): void => void instance.stop(served.graceMs ?? GRACE_MS)
      if (told.signal.aborted) ask()
      else told.signal.addEventListener('abort', ask, { once: true })
      journal.add({ kind: 'ended', end: await instance.ended })
    } else {
      await untilAborted(told.signal)
      journal.add({ kind: 'ended', end: { reason: 'stopped', exitCode: null, signal: null } })
    }
  } catch (error) {
    if (!(error instanceof CatwalkError)) process.stderr.write(`${String(error)}\n`)
    journal.add({ kind: 'failed', error: errorMessage(error) })
    process.exitCode = 1
  }
  await served.close(LAST_WORDS_MS)
  process.off('SIGTERM', stop).off('SIGINT', stop)
}

type Told = Pick<ServedInstance, 'journal'> & {
  readonly sessions: SessionLink
  readonly tools: ToolLink | null
  readonly output: ReturnType<typeof alsoOnConsole>
  readonly signal: AbortSignal
}

/** Null: there was only something to install. */
async function start({ document, dataDir }: ImageConfig, told: Told): Promise<Instance | null> {
  if (document.run.kind === 'command') return startCommand(document, document.run.argv, told)
  return startPackage(document, document.run, dataDir, told)
}

async function startCommand(
  document: InstanceDocument,
  [command, ...args]: readonly [string, ...string[]],
  { sessions, tools, output, signal }: Told,
): Promise<Instance> {
  const { deploymentId, instanceId, credentials, processes, stateful, era, limits } = document
  // Not our own variables, one of which is the secret.
  const env = {
    PATH: INSIDE.path,
    HOME: INSIDE.home,
    LANG: 'C.UTF-8',
    TMPDIR: INSIDE.temporary,
    ...credentials,
  }
  const bridge = await createBridge(
    {
      launch: async () => spawnPlain({ command, args, env }),
      sealKey: Buffer.from(document.sealKey, 'base64url'),
      deploymentId,
      output,
      processes,
      stateful,
      memory: sessions,
      ...(tools === null ? {} : { tools: tools.door }),
      ...(limits === undefined ? {} : { limits }),
      ...(era === null ? {} : { era }),
    },
    signal,
  )
  return { ...bridge, id: instanceId, endpoint: bridge }
}

async function startPackage(
  document: InstanceDocument,
  run: PackageRun,
  dataDir: string,
  { journal, sessions, tools, output, signal }: Told,
): Promise<Instance | null> {
  const { deploymentId, instanceId } = document
  const { spec, settings } = run
  // There is one workspace in a machine, and nobody asks for its name.
  const workspaceId = newId('workspace')
  const preparation = await createMachinePreparation(dataDir, run)
  const prepared = await preparation.prepare(
    { workspaceId, deploymentId, spec, settings, lockFile: run.lockFile, output },
    signal,
  )
  journal.add({ kind: 'prepared', ...prepared })
  if (run.prepareOnly) return null
  const { lockFile } = prepared
  const input = {
    instanceId,
    workspaceId,
    deploymentId,
    releaseId: document.releaseId,
    epoch: 1,
    slot: 1,
    spec,
    settings,
    lockFile,
    credentials: new Map(
      Object.entries(document.credentials).map(([name, value]) => [name, new Secret(value)]),
    ),
    sealKey: Buffer.from(document.sealKey, 'base64url'),
    sessions,
    ...(tools === null ? {} : { tools: tools.door }),
    processes: document.processes,
    stateful: document.stateful,
    era: document.era,
    output,
  }
  const startable = await preparation.programOf(input, lockFile)
  const launch = createLaunch(
    machineConfinement,
    (count) =>
      serverCommand(input, startable, { home: INSIDE.home }, { identity: null, internet: null }, count),
    output,
  )
  return createInstances(document.limits).start(input, launch, signal)
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (signal.aborted) return
  signal.addEventListener('abort', () => resolve(), { once: true })
  return promise
}
