import { CatwalkError, type ErrorCode, type InstanceEnd, type ServerEra } from '../../domain/index.ts'
import { createBackoff } from './backoff.ts'
import { describeEnd } from './describe-end.ts'
import { openLegacy, openModern, probeEra, type Era, type Found } from './era.ts'
import type { Upstream } from './upstream.ts'

/** The processes that many clients use at once: one for each era that is asked for. */
export interface SharedProcesses {
  /** The process of an era, opened; null until it is, and when it is gone. */
  readonly legacy: Upstream | null
  readonly modern: Upstream | null
  /** What is known of the server so far; null: nothing. */
  readonly speaks: Readonly<Record<Era, boolean | null>>
  /** The process that was launched first or took its place; undefined for one that is not ours. */
  readonly primary: Upstream
  /**
   * The process of an era, started and opened if necessary; null where the server does not speak it.
   * @throws CatwalkError when it cannot be started or opened
   */
  open(era: Era): Promise<Upstream | null>
  /**
   * Finds out which eras the server speaks, with processes that are thrown away for what nobody has tried yet.
   * @throws CatwalkError when it speaks neither
   */
  settle(): Promise<ServerEra>
  all(): Iterable<Upstream>
  /** Ends the process that is not the primary one and has nothing to do. */
  reap(upstream: Upstream): void
  /** Whether there is a process, or another one may be started in the place of one that ended. */
  readonly available: boolean
  /** Settles when the primary process has ended by itself and is not to be replaced, or was stopped. */
  readonly ended: Promise<InstanceEnd>
  /** Says that no process is to be replaced any more. */
  finish(): void
}

export interface SharedProcessesOptions {
  readonly first: Upstream
  /** Starts another process and takes it over. */
  readonly launch: () => Promise<Upstream>
  /** What was found out about the server before. */
  readonly era: ServerEra | null
  /**
   * Whether somebody still has a process that must not end with the primary one, which is then started again when it is
   * needed. Told how the primary one ended.
   */
  readonly goesOn: (end: InstanceEnd) => boolean
  /** Stops waiting for starts that are put off. */
  readonly signal: AbortSignal
}

const RETIRE_GRACE_MS = 2000
/** For a process that is only tried out. */
const TRIAL_MS = 20_000
/** The handshake has no time limit of its own: those who wait for it do. */
const never = new AbortController().signal

/** What a server elsewhere said no word to, or not to us, so that it is asked again by the next who wants something. */
const PASSING: readonly ErrorCode[] = [
  'remote_unavailable',
  'remote_busy',
  'remote_unauthorized',
  'remote_refused',
]

const isPassing = (error: unknown): boolean => error instanceof CatwalkError && PASSING.includes(error.code)

export function createSharedProcesses(options: SharedProcessesOptions): SharedProcesses {
  const { era: known, launch, goesOn, signal } = options
  const speaks: Record<Era, boolean | null> = {
    legacy: known === null ? null : known !== 'modern',
    modern: known === null ? null : known !== 'legacy',
  }
  const slots: Record<Era, Upstream | null> = { legacy: null, modern: null }
  const opening: Record<Era, Promise<Upstream | null> | null> = { legacy: null, modern: null }
  const backoff = createBackoff()
  const ended = Promise.withResolvers<InstanceEnd>()
  let primary = options.first
  /** A process that nobody has opened yet. */
  let spare: Upstream | null = primary
  /** A process that may die of our questions without that meaning anything. */
  let questioned: Upstream | null = null
  /** Set while the primary process has ended and its place is empty. */
  let vacancy: InstanceEnd | null = null
  /** Why the primary process, which lives on, is of no use. */
  let failure: Error | undefined
  let turn: Promise<unknown> = Promise.resolve()

  function vacate(upstream: Upstream): void {
    for (const era of ['legacy', 'modern'] as const) if (slots[era] === upstream) slots[era] = null
  }

  async function watch(upstream: Upstream): Promise<void> {
    const startedAt = performance.now()
    const end = await upstream.gone
    vacate(upstream)
    if (upstream === questioned && end.reason !== 'stopped') return
    if (upstream === primary && end.reason !== 'stopped' && goesOn(end)) vacancy = end
    else if (upstream === primary) return ended.resolve(end)
    if (end.reason !== 'stopped') backoff.ended(performance.now() - startedAt)
  }
  void watch(primary)

  async function start(): Promise<Upstream> {
    if (spare?.alive === true) return spare
    await backoff.due(signal)
    const upstream = await launch()
    void watch(upstream)
    return upstream
  }

  async function identify(upstream: Upstream, era: Era): Promise<Found> {
    if (era === 'legacy') return openLegacy(upstream, true, never)
    if (speaks.modern !== true) return probeEra(upstream, never)
    const discovered = await openModern(upstream, never)
    if (discovered !== null) return { discovered, handshake: null }
    // What was found out before is no longer true.
    return openLegacy(upstream, false, never)
  }

  /** A server that dies of a question of the other era is started again and asked nothing of the kind. */
  async function identifySafely(upstream: Upstream, era: Era): Promise<{ upstream: Upstream; found: Found }> {
    const risky = era === 'modern' && speaks.modern !== true
    if (risky) questioned = upstream
    try {
      return { upstream, found: await identify(upstream, era) }
    } catch (error) {
      if (!risky || upstream.alive) throw error
      if ((await upstream.gone).reason === 'stopped') throw error
      const again = await launch()
      if (upstream === primary) primary = again
      void watch(again)
      try {
        return { upstream: again, found: await openLegacy(again, false, never) }
      } catch (second) {
        if (again !== primary) void again.stop(0)
        throw second
      }
    } finally {
      questioned = null
    }
  }

  async function tryToOpen(era: Era): Promise<Upstream | null> {
    if (slots[era]?.alive === true) return slots[era]
    if (speaks[era] === false) return null
    if (failure !== undefined) throw failure
    // Whoever owns the bridge starts it again.
    if (!primary.alive && vacancy === null) throw describeEnd(await primary.gone, true)
    const started = await start()
    const wasSpare = started === spare
    spare = null
    try {
      const { upstream, found } = await identifySafely(started, era)
      note(upstream, found, era)
    } catch (error) {
      if (!wasSpare) void started.stop(0)
      else if (!primary.alive) ended.resolve(await primary.gone)
      else if (isPassing(error)) spare = primary
      else if (error instanceof Error) failure = error
      throw error
    }
    if (slots[era] === null && speaks[era] === true) return tryToOpen(era)
    return slots[era]
  }

  function note(upstream: Upstream, found: Found, asked: Era): void {
    const { discovered, handshake } = found
    if (handshake !== null) speaks.legacy = true
    else if (asked === 'legacy') speaks.legacy = false
    if (discovered !== null) speaks.modern = true
    else if (asked === 'modern') speaks.modern = false
    const era = handshake === null ? 'modern' : 'legacy'
    // It was only tried out: the era has its process.
    if (slots[era]?.alive === true) return void upstream.stop(RETIRE_GRACE_MS)
    slots[era] = upstream
    if (vacancy === null) return
    vacancy = null
    primary = upstream
  }

  /** One at a time, because what one finds out decides what the next has to do. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = turn.then(work)
    turn = done.catch(() => undefined)
    return done
  }

  async function open(era: Era): Promise<Upstream | null> {
    if (slots[era]?.alive === true) return slots[era]
    opening[era] ??= inTurn(() => tryToOpen(era)).finally(() => {
      opening[era] = null
    })
    return opening[era]
  }

  async function triesOut(era: Era): Promise<boolean> {
    const upstream = await launch()
    const patience = AbortSignal.timeout(TRIAL_MS)
    try {
      if (era === 'modern') return (await probeEra(upstream, patience)).discovered !== null
      return (await openLegacy(upstream, false, patience)).handshake !== null
    } catch {
      return false
    } finally {
      await upstream.stop(0)
    }
  }

  async function settle(): Promise<ServerEra> {
    if (speaks.legacy === null && speaks.modern === null) await open('modern')
    for (const era of ['legacy', 'modern'] as const) {
      if (speaks[era] === null) await inTurn(async () => (speaks[era] ??= await triesOut(era)))
    }
    const eras = (['legacy', 'modern'] as const).filter((era) => speaks[era] === true)
    const [only] = eras
    if (only === undefined)
      throw new CatwalkError('server_not_mcp', 'The server speaks no revision that we know.')
    return eras.length === 2 ? 'dual' : only
  }

  return {
    get legacy() {
      return slots.legacy
    },
    get modern() {
      return slots.modern
    },
    get primary() {
      return primary
    },
    speaks,
    open,
    settle,
    *all() {
      const seen = new Set([primary, slots.legacy, slots.modern])
      for (const upstream of seen) if (upstream !== null) yield upstream
    },
    reap(upstream) {
      vacate(upstream)
      void upstream.stop(RETIRE_GRACE_MS)
    },
    get available() {
      return primary.alive || vacancy !== null
    },
    ended: ended.promise,
    finish() {
      if (vacancy !== null) ended.resolve(vacancy)
    },
  }
}
