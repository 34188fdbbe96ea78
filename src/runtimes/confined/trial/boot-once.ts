import { randomBytes } from 'node:crypto'
import { chmod, chown, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createBridge, type Bridge } from '../../../bridge/index.ts'
import {
  anySignal,
  CatwalkError,
  PLACEHOLDER_FOLDER,
  PLACEHOLDER_HOST,
  RpcError,
  trialSpec,
  type Boot,
  type LineSink,
  type Manifest,
  type RunSettings,
  type TrialInput,
} from '../../../domain/index.ts'
import { EgressRefusal, type Dial } from '../../../network/index.ts'
import type { Identity } from '../identities.ts'
import { guardDisk } from '../disk-usage.ts'
import { createLaunch } from '../launch.ts'
import type { Confinement } from '../confinement.ts'
import { overHttp, type ConnectHttp } from '../over-http.ts'
import { serverCommand, type Startable } from '../server-command.ts'
import { FLOOD_BYTES, listen, watch, type Observed } from './observe.ts'

export interface BootParts {
  readonly confinement: Confinement
  /** Where homes of trials are made; what a crash leaves here is swept. */
  readonly temporary: string
  readonly identity: Identity | null
  /** What a home may take on disk; null for no limit. */
  readonly homeMiB: number | null
  /** Not there: no server is spoken to over HTTP. */
  readonly connectHttp?: ConnectHttp | undefined
}

export interface BootPlan {
  readonly input: TrialInput
  readonly boot: Boot
  readonly settings: RunSettings
  readonly startable: Startable
  /** Everything that it tries to reach is added here. */
  readonly hosts: Set<string>
  readonly output: LineSink
}

/** For one boot; a server that starts for the first time may have much to read. */
const BOOT_LIMIT_MS = 12_000
const CALLER = { subject: 'trial', requestId: 'trial' }

/**
 * Starts a server once in a home of its own, asks it for everything that it offers, and ends it.
 * @throws CatwalkError `sandbox_unavailable`
 */
export async function bootOnce(parts: BootParts, plan: BootPlan, limit: AbortSignal): Promise<Observed> {
  const { spec, credentials } = trialSpec(plan.input, plan.boot)
  const home = await provideHome(parts)
  const label = `trial-${home.slice(-6)}`
  const watched = watch(parts.confinement)
  const heard = listen(plan.output)
  const { identity, homeMiB } = parts
  const launch = createLaunch(
    watched.confinement,
    (count) =>
      serverCommand(
        { instanceId: label, settings: plan.settings, spec, credentials },
        plan.startable,
        { home, ...(homeMiB === null ? {} : { homeMiB }) },
        { identity, internet: refuseAll(plan.hosts) },
        count,
      ),
    heard.sink,
    (isFull) => (homeMiB === null ? () => undefined : guardDisk(home, homeMiB, isFull)),
    overHttp(spec, parts.connectHttp, heard.sink),
  )
  const within = anySignal([limit, AbortSignal.timeout(BOOT_LIMIT_MS), watched.idle, heard.flooded])
  let bridge: Bridge | null = null
  let initializeMs: number | null = null
  const seen = (manifest: Manifest | null, error: CatwalkError | null): Observed => ({
    boot: plan.boot,
    manifest,
    initializeMs,
    peakMemoryMiB: watched.peakMiB(),
    strayLines: heard.strayLines(),
    lines: heard.lines,
    error: heard.flooded.aborted ? flood() : error !== null && watched.idle.aborted ? waits() : error,
    flooded: heard.flooded.aborted,
  })
  try {
    const startedAt = performance.now()
    bridge = await createBridge(
      {
        launch,
        sealKey: randomBytes(32),
        deploymentId: label,
        output: heard.sink,
        limits: { maxMessageBytes: FLOOD_BYTES },
      },
      limit,
    )
    await answered(bridge.request('ping', {}, CALLER, within))
    initializeMs = Math.round(performance.now() - startedAt)
    const manifest = await bridge.probe(within)
    await watched.sample()
    return seen(manifest, null)
  } catch (error) {
    if (error instanceof CatwalkError) {
      if (error.code === 'sandbox_unavailable') throw error
      return seen(null, error)
    }
    if (!within.aborted) throw error
    return seen(null, new CatwalkError('server_silent', 'The server did not answer in time.'))
  } finally {
    watched.stop()
    await bridge?.stop(0)
    await rm(home, { recursive: true, force: true })
  }
}

/** Remembers where a server wanted to go, and lets it go nowhere. */
function refuseAll(hosts: Set<string>): Dial {
  return async (host, port) => {
    if (host !== PLACEHOLDER_HOST && hosts.size < MAX_HOSTS) hosts.add(`${host}:${port}`)
    throw new EgressRefusal('a trial boot reaches nothing')
  }
}

const MAX_HOSTS = 100

/** Any answer to a ping comes after the handshake; an error too. */
async function answered(request: Promise<unknown>): Promise<void> {
  await request.catch((error: unknown) => {
    if (!(error instanceof RpcError)) throw error
  })
}

function waits(): CatwalkError {
  return new CatwalkError('server_silent', 'The server did not answer, and does nothing any more.')
}

function flood(): CatwalkError {
  return new CatwalkError('server_not_mcp', 'The server prints without end instead of speaking MCP.')
}

async function provideHome({ temporary, identity }: BootParts): Promise<string> {
  const home = await mkdtemp(join(temporary, 'trial-'))
  const folder = join(home, PLACEHOLDER_FOLDER)
  await mkdir(folder)
  for (const path of [home, folder]) {
    if (identity !== null) await chown(path, identity.uid, identity.gid)
    await chmod(path, 0o700)
  }
  return home
}
