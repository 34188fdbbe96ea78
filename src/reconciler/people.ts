import type { IncomingMessage, ServerResponse } from 'node:http'
import { queries } from '../db/index.ts'
import {
  anySignal,
  CatwalkError,
  MOST_SETS,
  type Caller,
  type Endpoint,
  type HeldStream,
  type Instance,
  type InstanceEnd,
  type Manifest,
  type Offers,
  type OffersBySet,
  type SessionMemory,
  type ToolRules,
} from '../domain/index.ts'
import type { ReconcilerDependencies } from './dependencies.ts'
import type { Launchable } from './launch.ts'
import { bringPage, launchFor, placeholders, withoutPersonal } from './person-launch.ts'
import { backOffMs } from './plan.ts'

const LOOK_AFTER_MS = 1000
/** Signs of life in a row that a process may owe. */
const MISSED = 2
/** People of whom something is kept in memory though none of their processes runs. */
const MAX_KNOWN = 1000
/** Whose home a process has that only shows what a release offers. No id of a person looks like it. */
const PROBE = 'probe'

/** What is answered for one person while no process of theirs runs. */
export interface StandIn extends Pick<Endpoint, 'handle'> {
  readonly holding: number
  hold(streams: readonly HeldStream[]): void
  release(): readonly HeldStream[]
  handOver(endpoint: Pick<Endpoint, 'handle'>): void
}

export interface StandInOptions {
  readonly deploymentId: string
  readonly sealKey: Buffer
  readonly sessions: SessionMemory
  readonly manifest: Manifest
  readonly sets?: OffersBySet
  readonly processes: Launchable['deployment']['processes']
  readonly stateful: boolean
  readonly tools: () => ToolRules | null
  /** Where the person must have been first; then nothing is started for them. */
  readonly visit?: { readonly url: string; readonly error: CatwalkError }
  readonly wake: (signal: AbortSignal) => Promise<Endpoint>
}

interface Process {
  readonly instance: Instance
  /** The rows whose values it was started with. */
  readonly with: string
  missed: number
}

interface Person {
  readonly id: string
  process: Process | null
  starting: Promise<Endpoint> | null
  /** Settles when the former process is gone, so that two never share a home. */
  ending: Promise<unknown>
  standIn: StandIn | null
  /** Whether the stand-in asks for values instead of starting anything. */
  isAsked: boolean
  /** What their own process was last seen to offer. */
  manifest: Manifest | null
  /** And what to clients with certain capabilities. */
  sets: OffersBySet
  failures: number
  retryAt: number
}

export interface PeopleOptions {
  readonly launchable: Launchable
  readonly instanceId: string
  readonly epoch: number
  readonly lockFile: string
  readonly sessions: SessionMemory
  readonly era: Manifest['era'] | null
}

/**
 * The instance of a release for which each member brings their own credentials: one process for each person who calls,
 * with their values and in a home of their own, started by their first call and ended when they have not called for a
 * while. It runs on the node that holds the lease, so there is one process for a person however many replicas there are.
 */
export async function startPeople(deps: ReconcilerDependencies, options: PeopleOptions): Promise<Instance> {
  const { launchable, sessions } = options
  const { deployment, release, runtime } = launchable
  const needed = release.settings.personal ?? []
  const people = new Map<string, Person>()
  const ended = Promise.withResolvers<InstanceEnd>()
  const closing = new AbortController()
  /** Rows by person: what each has brought of what is needed, as text to compare; null for whoever lacks something. */
  let brought: ReadonlyMap<string, string> = new Map()
  let looking: Promise<void> | null = null
  let lookAgain = false
  let isOutdated = false
  /** Who has brought anything; nobody else has a home here. */
  let bringers: ReadonlySet<string> = new Set()
  let hasSwept = false
  let isProbing = false

  const personOf = (id: string): Person => {
    const known = people.get(id)
    if (known !== undefined) return known
    if (people.size >= MAX_KNOWN) forgetSomebody()
    const person: Person = {
      id,
      process: null,
      starting: null,
      ending: Promise.resolve(),
      standIn: null,
      isAsked: false,
      manifest: null,
      sets: {},
      failures: 0,
      retryAt: 0,
    }
    people.set(id, person)
    return person
  }

  function forgetSomebody(): void {
    for (const [id, { process, starting, standIn }] of people) {
      if (process !== null || starting !== null || (standIn?.holding ?? 0) > 0) continue
      people.delete(id)
      return
    }
  }

  const sealKeyOf = (id: string): Buffer => deps.vault.derive(`sessions/${deployment.id}/${id}`, 32)

  /** Reads who has brought what, and ends the processes of those who have changed or taken back something. */
  async function readBrought(): Promise<void> {
    const rows = await queries.listPersonalCredentials(deps.db, deployment.id)
    const found = new Map<string, Map<string, string>>()
    const renewed = new Set<string>()
    for (const { id, user_id: user, name, renewed: isRenewed } of rows) {
      if (user === null) continue
      if (isRenewed) renewed.add(id)
      found.set(user, (found.get(user) ?? new Map<string, string>()).set(name, id))
    }
    const complete = new Map<string, string>()
    for (const [user, own] of found) {
      const ids = needed.map((name) => own.get(name))
      if (ids.every((id) => id !== undefined)) complete.set(user, ids.join(' '))
    }
    brought = complete
    isOutdated = false
    for (const person of people.values()) {
      const now = complete.get(person.id)
      if (person.process !== null && person.process.with !== now) {
        forgetOffers(person)
        person.failures = 0
        // A renewed token is the same account: what is under way is let finish.
        const before = person.process.with.split(' ')
        const isRenewal = now?.split(' ').every((id) => before.includes(id) || renewed.has(id)) === true
        void endProcess(person, isRenewal ? deps.graceMs : 0)
      } else if (person.isAsked && now !== undefined) changeStandIn(person, null)
      if (now === undefined) forgetOffers(person)
    }
    bringers = new Set(found.keys())
    for (const person of people.values()) {
      if (!bringers.has(person.id)) person.ending = Promise.all([person.ending, sweepHomes(person.ending)])
    }
    if (!hasSwept) void sweepHomes(Promise.resolve())
    hasSwept = true
  }

  /** Removes what servers kept for people who have taken back everything. */
  async function sweepHomes(after: Promise<unknown>): Promise<void> {
    try {
      await after
      const kept = isProbing ? new Set([...bringers, PROBE]) : bringers
      await runtime.keepPeople?.(deployment.id, kept, closing.signal)
    } catch (error) {
      hasSwept = false
      deps.logger.warn({ err: error, deployment: deployment.id }, 'homes of people could not be removed')
    }
  }

  function forgetOffers(person: Person): void {
    person.manifest = null
    person.sets = {}
  }

  function look(): Promise<void> {
    if (looking !== null) {
      lookAgain = true
      return looking
    }
    looking = (async () => {
      try {
        do {
          lookAgain = false
          await readBrought()
        } while (isWanted())
      } catch (error) {
        isOutdated = true
        if (!closing.signal.aborted)
          deps.logger.warn({ err: error, deployment: deployment.id }, 'who brought what could not be read')
      } finally {
        looking = null
      }
    })()
    return looking
  }
  const isWanted = () => lookAgain && !closing.signal.aborted

  /** Another one answers for them from now on; streams that the former held go on there, or end. */
  function changeStandIn(person: Person, next: StandIn | null, streams: readonly HeldStream[] = []): void {
    const held = [...(person.standIn?.release() ?? []), ...streams]
    person.standIn = next
    person.isAsked = false
    if (next !== null) next.hold(held)
    else for (const { res } of held) res.end()
  }

  /** A set that is new takes no other's place: the person has a few clients, and what is not kept wakes their process. */
  function keepOffers(person: Person, set: string, offers: Offers): void {
    const isFull = Object.keys(person.sets).length >= MOST_SETS && !Object.hasOwn(person.sets, set)
    if (!isFull) person.sets = { ...person.sets, [set]: offers }
  }

  function newStandIn(person: Person, manifest: Manifest, visit?: StandInOptions['visit']): StandIn {
    return deps.standIn({
      deploymentId: deployment.id,
      sealKey: sealKeyOf(person.id),
      sessions,
      manifest,
      sets: person.sets,
      processes: deployment.processes,
      stateful: deployment.stateful,
      tools: () => deps.tools(deployment.id, options.launchable.release.id).rules,
      ...(visit === undefined ? {} : { visit }),
      wake: async (signal) => awaken(person, signal),
    })
  }

  /** Ends the process of one person, and of nobody else. Their streams are kept if they may go on. */
  async function endProcess(person: Person, graceMs: number): Promise<void> {
    const { process } = person
    if (process === null) return
    person.process = null
    const streams = process.instance.release()
    const next =
      person.manifest === null || closing.signal.aborted ? null : newStandIn(person, person.manifest)
    changeStandIn(person, next, streams)
    person.ending = Promise.all([person.ending, process.instance.stop(graceMs)])
    await person.ending
  }

  /** Ends the process that has been idle longest, when there are as many as there may be. */
  async function makeRoom(asking: Person): Promise<void> {
    for (;;) {
      const others = [...people.values()].filter(
        (person) => person !== asking && (person.process !== null || person.starting !== null),
      )
      if (others.length < deps.peopleAtOnce) return
      const [idlest] = others
        .flatMap((person) => {
          const idleMs = person.process?.instance.idleMs() ?? null
          return idleMs === null ? [] : [{ person, idleMs }]
        })
        .toSorted((one, other) => other.idleMs - one.idleMs)
      if (idlest === undefined) {
        const text = `As many people as may at once (${deps.peopleAtOnce}) use the server.`
        throw new CatwalkError('unavailable', text, { help: 'Try again when one of them has finished.' })
      }
      await endProcess(idlest.person, deps.graceMs)
    }
  }

  async function start(person: Person): Promise<Endpoint> {
    const waitMs = person.retryAt - performance.now()
    if (waitMs > 0) {
      const text = `The server did not start with your credentials. It is tried again in ${Math.ceil(waitMs / 1000)} s.`
      throw new CatwalkError('wake_failed', text, { help: checkThem })
    }
    await makeRoom(person)
    await person.ending
    await deps.accounts.freshen(deployment.id, person.id, closing.signal)
    const rows = await queries.personalCredentialsOf(deps.db, deployment.id, person.id)
    const own = rows.filter(({ name }) => needed.includes(name))
    const ids = needed.map((name) => own.find((row) => row.name === name)?.id)
    if (ids.includes(undefined)) throw bringPage(deps.publicUrl, deployment).error
    const launch = launchFor(deps, options, {
      person: person.id,
      own,
      sealKey: sealKeyOf(person.id),
      offered: (set, offers) => keepOffers(person, set, offers),
    })
    const limit = anySignal([closing.signal, AbortSignal.timeout(deps.probeTimeoutMs)])
    let instance: Instance | null = null
    try {
      instance = await launch.start(limit)
      await instance.check(limit)
    } catch (error) {
      await instance?.stop(0)
      closing.signal.throwIfAborted()
      person.failures++
      person.retryAt = performance.now() + backOffMs(person.failures + 1)
      const reason = error instanceof CatwalkError ? launch.redact(error.message) : 'Catwalk could not go on.'
      deps.logger.info({ deployment: deployment.id, err: error }, 'a process of one person did not start')
      const text = `The server did not start with your credentials: ${reason}`
      throw new CatwalkError('wake_failed', text, { help: checkThem, cause: error })
    }
    const process: Process = { instance, with: ids.join(' '), missed: 0 }
    person.process = process
    person.failures = 0
    void instance.ended.then((end) => noteEnd(person, process, end))
    // Taken back or changed while it started.
    await look()
    if (person.process !== process)
      throw new CatwalkError('unavailable', 'Your credentials have just changed.')
    person.standIn?.handOver(instance.endpoint)
    changeStandIn(person, null)
    void noteManifest(person, process)
    return instance.endpoint
  }

  function awaken(person: Person, signal: AbortSignal): Promise<Endpoint> {
    if (person.process !== null) return Promise.resolve(person.process.instance.endpoint)
    person.starting ??= start(person).finally(() => {
      person.starting = null
    })
    const gone = Promise.withResolvers<never>()
    const abort = (): void => gone.reject(new CatwalkError('unavailable', 'Nobody waits for it any more.'))
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    return Promise.race([person.starting, gone.promise]).finally(() =>
      signal.removeEventListener('abort', abort),
    )
  }

  /** Lists for this person alone, while their process sleeps. */
  async function noteManifest(person: Person, process: Process): Promise<void> {
    try {
      const limit = anySignal([closing.signal, AbortSignal.timeout(deps.probeTimeoutMs)])
      const manifest = await process.instance.endpoint.probe(limit)
      if (person.process === process) person.manifest = manifest
    } catch (error) {
      deps.logger.debug({ deployment: deployment.id, err: error }, 'what it offers could not be looked at')
    }
  }

  function noteEnd(person: Person, process: Process, end: InstanceEnd): void {
    deps.metrics.instanceEnded({ reason: end.reason })
    if (person.process !== process) return
    person.process = null
    changeStandIn(person, null, process.instance.release())
    person.failures++
    person.retryAt = performance.now() + backOffMs(person.failures)
  }

  /** Somebody who has not brought theirs is shown what the release offers, and where to bring them. */
  async function ask(person: Person): Promise<Pick<Endpoint, 'handle'>> {
    if (person.isAsked && person.standIn !== null) return person.standIn
    const manifest = await queries.manifestOf(deps.db, release.id)
    if (manifest === null) throw bringPage(deps.publicUrl, deployment).error
    changeStandIn(person, newStandIn(person, manifest, bringPage(deps.publicUrl, deployment)))
    person.isAsked = true
    return person.standIn ?? newStandIn(person, manifest)
  }

  async function answering(person: Person, signal: AbortSignal): Promise<Pick<Endpoint, 'handle'>> {
    // The news that somebody has brought theirs may still be on its way.
    if (!brought.has(person.id)) await look()
    if (!brought.has(person.id)) return ask(person)
    return person.process?.instance.endpoint ?? person.standIn ?? awaken(person, signal)
  }

  async function find(
    person: Person,
    [req, res, caller, body]: readonly [IncomingMessage, ServerResponse, Caller, Buffer | undefined],
  ): Promise<void> {
    const gone = new AbortController()
    const abort = (): void => gone.abort()
    res.once('close', abort)
    try {
      const endpoint = await answering(person, gone.signal)
      if (!res.destroyed) endpoint.handle(req, res, caller, body)
    } catch (error) {
      if (gone.signal.aborted) return
      const known = error instanceof CatwalkError ? error : new CatwalkError('internal', 'It did not start.')
      if (known !== error) deps.logger.error({ err: error, deployment: deployment.id }, 'a call failed')
      deps.refuse(res, caller.requestId, known)
    } finally {
      res.off('close', abort)
    }
  }

  const idleTimeoutMs = (): number => {
    // As it is now: its owner may have changed that since.
    const { always_on: alwaysOn, idle_timeout_s: own } =
      deps.instances.get(deployment.id)?.deployment ?? deployment
    if (alwaysOn) return Infinity
    if (own !== null) return own * 1000
    return deps.idleTimeoutMs === 0 ? Infinity : deps.idleTimeoutMs
  }

  function lookAfter(): void {
    if (isOutdated) void look()
    for (const person of people.values()) {
      const idleMs = person.process?.instance.idleMs() ?? null
      if (idleMs !== null && idleMs >= idleTimeoutMs()) void endProcess(person, deps.graceMs)
    }
  }

  async function check(person: Person): Promise<void> {
    const { process } = person
    if (process === null) return
    try {
      await process.instance.check(AbortSignal.timeout(deps.healthTimeoutMs))
      process.missed = 0
    } catch (error) {
      const isSilent = error instanceof CatwalkError && error.code === 'server_silent'
      if (isSilent && ++process.missed >= MISSED && person.process === process) await endProcess(person, 0)
    }
  }

  /** Without anybody's process running: one is started for this, with the values of whoever made the release, or none real. */
  async function probe(signal: AbortSignal): Promise<Manifest> {
    const maker = await makerOf()
    const given = maker === null ? { values: placeholders(release, needed) } : maker
    const launch = launchFor(deps, options, { person: PROBE, sealKey: sealKeyOf(PROBE), ...given })
    isProbing = true
    let instance: Instance | null = null
    try {
      instance = await launch.start(signal)
      return withoutPersonal(await instance.endpoint.probe(signal), maker !== null)
    } catch (error) {
      if (!(error instanceof CatwalkError)) throw error
      if (error.code === 'server_exited' && instance !== null) ended.resolve(await instance.ended)
      const how = maker === null ? placeholderNote(deps.publicUrl) : {}
      throw new CatwalkError(error.code, launch.redact(error.message), { ...how, cause: error })
    } finally {
      await instance?.stop(0)
      isProbing = false
      await sweepHomes(Promise.resolve())
    }
  }

  async function makerOf(): Promise<{ own: readonly queries.CredentialRow[] } | null> {
    const maker = await queries.makerOfRelease(deps.db, release.id)
    if (maker === null) return null
    const rows = await queries.personalCredentialsOf(deps.db, deployment.id, maker)
    const own = rows.filter(({ name }) => needed.includes(name))
    return own.length === needed.length ? { own } : null
  }

  async function stop(graceMs: number): Promise<void> {
    closing.abort(new CatwalkError('unavailable', 'The server is being stopped or restarted.'))
    clearInterval(timer)
    unsubscribe()
    await Promise.allSettled([
      ...[...people.values()].map(async (person) => {
        await person.starting?.catch(() => undefined)
        await endProcess(person, graceMs)
        changeStandIn(person, null)
      }),
      looking,
    ])
    ended.resolve({ reason: 'stopped', exitCode: null, signal: null })
  }

  const unsubscribe = deps.changes.subscribe(deployment.id, () => void look())
  const timer = setInterval(lookAfter, Math.min(LOOK_AFTER_MS, deps.healthEveryMs))
  const checkThem = `Look whether they are right: ${bringPage(deps.publicUrl, deployment).url}`
  let stopping: Promise<void> | null = null
  await look()

  return {
    id: options.instanceId,
    ended: ended.promise,
    endpoint: {
      handle(req, res, caller, body) {
        if (caller.person === undefined) return deps.refuse(res, caller.requestId, nobody())
        const person = personOf(caller.person)
        const { process } = person
        if (process === null) void find(person, [req, res, caller, body])
        else process.instance.endpoint.handle(req, res, caller, body)
      },
      async request(method, params, caller, signal) {
        if (caller.person === undefined) throw nobody()
        const endpoint = await awaken(personOf(caller.person), signal)
        return endpoint.request(method, params, caller, signal)
      },
      probe,
    },
    release: () => [...people.values()].flatMap(releaseAll),
    processes: () => [...people.values()].filter(({ process }) => process !== null).length,
    // Nobody's process may run; it costs nothing then and answers at once.
    idleMs: () => null,
    check: async () => {
      await Promise.all([...people.values()].map(check))
    },
    stop: (graceMs) => (stopping ??= stop(graceMs)),
  }
}

function releaseAll({ process, standIn }: Person): readonly HeldStream[] {
  return [...(process?.instance.release() ?? []), ...(standIn?.release() ?? [])]
}

function nobody(): CatwalkError {
  return new CatwalkError(
    'nobody_behind_call',
    'The server works with the credentials of each member, and nobody in particular is behind this call.',
  )
}

function placeholderNote(publicUrl: string): { help: string } {
  return {
    help: `It was tried with placeholders, because whoever made the release has not brought their own credentials. Bring yours at ${publicUrl}/your-credentials and start it again: then it is tried with them.`,
  }
}
