import { stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import { keptDatabases, queries } from '../../db/index.ts'
import {
  CatwalkError,
  type Clock,
  type PackageIndex,
  type PypiIndex,
  type RegistryName,
  type RuntimeOffer,
} from '../../domain/index.ts'
import type { MasterKeys, Vault } from '../../vault/index.ts'
import { readRotation } from '../keys/rotation.ts'
import { findUnreadable } from './unreadable.ts'

/** What the doctor looks at. */
export interface DoctorDependencies {
  readonly db: queries.Handle
  readonly vault: Vault
  readonly keys: MasterKeys
  readonly packages: PackageIndex
  readonly pypi: Pick<PypiIndex, 'resolve'>
  /** Whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[]
  readonly clock: Clock
  readonly publicUrl: URL
  readonly dataDir: string
  readonly isEmbedded: boolean
  readonly unsandboxed: boolean
  /** Address that the program listens on. */
  readonly listensOn: string
  readonly listensOnLoopback: boolean
  readonly runtimes: readonly RuntimeOffer[]
}

/** Each has a section in docs/doctor.md. */
export const CHECKS = [
  'configuration',
  'accounts',
  'keys',
  'credentials',
  'database',
  'clock',
  'disk',
  'runtimes',
  'registry',
  'pypi',
  'mcp-registry',
  'glama',
  'public-url',
  'proxies',
] as const

export type CheckName = (typeof CHECKS)[number]

export interface Verdict {
  readonly level: 'ok' | 'warning' | 'error'
  /** What was found, in a sentence. */
  readonly detail: string
  /** What to do; null when there is nothing to do. */
  readonly fix: string | null
}

type Check = (deps: DoctorDependencies, signal: AbortSignal) => Promise<Verdict>

const ok = (detail: string): Verdict => ({ level: 'ok', detail, fix: null })
const warning = (detail: string, fix: string): Verdict => ({ level: 'warning', detail, fix })
const error = (detail: string, fix: string): Verdict => ({ level: 'error', detail, fix })

const MIB = 1024 * 1024
const LITTLE_MIB = 1024
const TOO_LITTLE_MIB = 256
const SKEW_MS = 2000
const SLOW_MS = 100
/** Of its quota. */
const NEARLY_FULL = 0.9

export const checks: Readonly<Record<CheckName, Check>> = {
  async configuration({ unsandboxed, listensOn, listensOnLoopback, publicUrl }) {
    if (unsandboxed) {
      return warning(
        'Servers run without a sandbox: any of them can read every secret of this machine.',
        'Install bubblewrap and start without --allow-unsandboxed.',
      )
    }
    if (!listensOnLoopback && publicUrl.protocol === 'http:') {
      return warning(
        `Catwalk listens on ${listensOn}, where other machines connect, but has no https address.`,
        'Set CATWALK_HOST=127.0.0.1, or put a reverse proxy with a certificate in front and set CATWALK_PUBLIC_URL.',
      )
    }
    return ok('The settings fit together.')
  },

  async accounts({ db, unsandboxed }) {
    const { rows } = await sql<{ people: number; admins: number }>`
      select (select count(*)::int4 from users) as people,
        (select count(*)::int4 from users where is_installation_admin) as admins`.execute(db)
    const { people = 0, admins = 0 } = rows[0] ?? {}
    if (people === 0) {
      return warning('There is no owner account yet.', 'Open the set-up link: bin/catwalk setup-link')
    }
    if (unsandboxed && people > 1) {
      return error(
        `${people} people share an installation whose servers run without a sandbox.`,
        'Install bubblewrap and start without --allow-unsandboxed.',
      )
    }
    return ok(`${people} ${people === 1 ? 'account' : 'accounts'}, ${admins} of them for the installation.`)
  },

  async keys({ db, keys, dataDir }) {
    if (keys.origin === 'file') {
      const { mode } = await stat(join(dataDir, 'master.key'))
      if ((mode & 0o077) !== 0) {
        return error('Others can read master.key.', `Type: chmod 600 ${join(dataDir, 'master.key')}`)
      }
    }
    const rotation = await readRotation(db)
    const under = await queries.countSealedByKey(db)
    const { newest, keys: all } = keys.ring()
    const older = [...all.keys()].filter((id) => id !== newest.id)
    const left = older.reduce((sum, id) => sum + (under.get(id) ?? 0), 0)
    if (rotation !== null && rotation.unreadable.length > 0 && left > 0) {
      return warning(
        `${rotation.unreadable.length} values could not be brought under the newest key.`,
        'Enter these credentials again; bin/catwalk keys status names them.',
      )
    }
    if (left > 0) {
      return warning(`${left} values are still under an older key.`, 'Type: bin/catwalk keys rotate')
    }
    if (older.length > 0) {
      return warning(
        `${older.join(', ')} is in the key ring, but nothing is under it.`,
        `Type: bin/catwalk keys retire ${older[0] ?? ''}`,
      )
    }
    return ok(`Everything is under ${newest.id}, from the ${keys.origin}.`)
  },

  async credentials({ db, vault }, signal) {
    const { total, count, named } = await findUnreadable(db, vault, signal)
    if (count === 0) return ok(`All ${total} credentials and other encrypted values can be opened.`)
    const more = count > named.length ? `, and ${count - named.length} more` : ''
    return error(
      `${count} of ${total} encrypted values cannot be opened, because they were changed or moved in the database: ${named.join(', ')}${more}.`,
      'Enter their values again, and find out who can write to the database.',
    )
  },

  async database({ db, dataDir, isEmbedded }) {
    const startedAt = performance.now()
    const { rows } = await sql<{
      version: string
    }>`select current_setting('server_version') as version`.execute(db)
    const tookMs = Math.round(performance.now() - startedAt)
    const what = `PostgreSQL ${rows[0]?.version ?? ''}${isEmbedded ? ', embedded' : ''}`
    const verdict =
      tookMs > SLOW_MS
        ? warning(
            `${what} took ${tookMs} ms to answer a trivial question.`,
            'Look at its load, and put it closer to Catwalk.',
          )
        : ok(`${what}, answers within ${tookMs} ms.`)
    const kept = isEmbedded ? await keptDatabases(dataDir) : []
    if (kept.length === 0) return verdict
    const remove = `Once all is well, remove what was kept: rm -r ${kept.map((directory) => `'${directory}'`).join(' ')}`
    return {
      level: verdict.level,
      detail: `${verdict.detail} What was before an upgrade of PostgreSQL is kept: ${kept.join(', ')}.`,
      fix: verdict.fix === null ? remove : `${verdict.fix} ${remove}`,
    }
  },

  async clock({ db, clock }) {
    const before = clock.now().getTime()
    const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(db)
    const middle = (before + clock.now().getTime()) / 2
    const skewMs = Math.round(Math.abs((rows[0]?.now.getTime() ?? middle) - middle))
    if (skewMs <= SKEW_MS) return ok('This machine and the database agree on the time.')
    return warning(
      `The clocks of this machine and of the database are ${Math.round(skewMs / 1000)} s apart.`,
      'Let both follow a time server (timedatectl set-ntp true).',
    )
  },

  async disk({ db, dataDir, runtimes }, signal) {
    const { bavail, bsize } = await statfs(dataDir)
    const freeMiB = Math.floor((bavail * bsize) / MIB)
    const detail = `${freeMiB} MiB are free in ${dataDir}.`
    if (freeMiB < TOO_LITTLE_MIB)
      return error(detail, 'Free some space: neither database nor packages can be written.')
    if (freeMiB < LITTLE_MIB) return warning(detail, 'Free some space before the next deployment.')
    for (const { kind, disk } of runtimes) {
      const use = await disk?.(signal)
      if (use === undefined) continue
      const { storeMiB, storeLimitMiB, homeLimitMiB, homes } = use
      if (storeLimitMiB !== null && storeMiB > storeLimitMiB) {
        return warning(
          `The packages of ${kind} take ${Math.round(storeMiB)} MiB, more than they should (${storeLimitMiB} MiB): releases in use need them.`,
          'Raise CATWALK_STORE_MIB, or delete deployments that nobody needs.',
        )
      }
      const full = [...homes].filter(
        ([, usedMiB]) => homeLimitMiB !== null && usedMiB > homeLimitMiB * NEARLY_FULL,
      )
      if (full.length > 0) {
        const names = await slugsOf(
          db,
          full.map(([id]) => id),
        )
        return warning(
          `Nearly full, or full, of ${homeLimitMiB} MiB: the ${full.length === 1 ? 'home' : 'homes'} of ${names.join(', ')}.`,
          'Raise CATWALK_HOME_MIB, or remove files from there. A server whose home is full is ended.',
        )
      }
    }
    return ok(detail)
  },

  async runtimes({ runtimes }) {
    // Reaching what runs elsewhere is no runtime of its own.
    if (runtimes.every(({ kind }) => kind === 'remote')) {
      return error(
        'Nothing can be run here: every runtime is switched off.',
        'Set CATWALK_LOCAL_RUNTIME=true or CATWALK_DOCKER_RUNTIME=true and start again.',
      )
    }
    const found = await Promise.all(
      runtimes.map(async ({ kind, status }) => ({ kind, status: await status() })),
    )
    const detail = found
      .map(({ kind, status }) => `${kind}: ${status.ok ? status.detail : status.reason}`)
      .join(' · ')
    const fixes = found.flatMap(({ status }) => (status.ok ? [] : [status.fix]))
    return fixes.length === 0 ? ok(detail) : error(detail, fixes.join(' '))
  },

  async registry({ packages }, signal) {
    try {
      await packages.resolve('npm', null, signal)
    } catch (cause) {
      // That it has no such package is an answer, too.
      if (cause instanceof CatwalkError && cause.code !== 'package_index_unavailable')
        return ok('It answers.')
      return error(
        'The npm registry does not answer.',
        'Check the network, a proxy (HTTPS_PROXY) and the registry in .npmrc.',
      )
    }
    return ok('The npm registry answers.')
  },

  'mcp-registry': async ({ db }) => examineRegistry(db, 'official', 'CATWALK_REGISTRY_URL'),

  glama: async ({ db }) => examineRegistry(db, 'glama', 'CATWALK_GLAMA_URL'),

  async pypi({ pypi }, signal) {
    try {
      await pypi.resolve('pip', null, signal)
    } catch (cause) {
      // That it has no such package is an answer, too.
      if (cause instanceof CatwalkError && cause.code !== 'package_index_unavailable')
        return ok('It answers.')
      return warning(
        'The Python index does not answer, so servers from PyPI can be neither found nor installed.',
        'Check the network, and the address and credentials in CATWALK_PYPI_INDEX_URL or PIP_INDEX_URL.',
      )
    }
    return ok('The Python index answers.')
  },

  async 'public-url'({ publicUrl }, signal) {
    const response = await fetch(new URL('/healthz', publicUrl), { signal, redirect: 'manual' }).catch(
      () => null,
    )
    const answer: unknown = response?.ok === true ? await response.json().catch(() => null) : null
    const isOurs = typeof answer === 'object' && answer !== null && 'ok' in answer
    if (!isOurs) {
      return error(
        `Catwalk does not find itself at ${publicUrl.origin}.`,
        'Check CATWALK_PUBLIC_URL, DNS, the certificate, and that the reverse proxy leads here.',
      )
    }
    if (publicUrl.protocol === 'http:') {
      return warning(
        `${publicUrl.origin} is an address of this machine: claude.ai, ChatGPT and phones cannot reach it.`,
        'For clients elsewhere, put a reverse proxy or tunnel with https in front and set CATWALK_PUBLIC_URL.',
      )
    }
    const arrived = ['content-security-policy', 'strict-transport-security'].every(
      (name) => response?.headers.has(name) === true,
    )
    if (!arrived) {
      return warning(
        `Something between ${publicUrl.origin} and Catwalk takes headers away that keep browsers safe.`,
        'Have the reverse proxy pass on all headers of the answer.',
      )
    }
    return ok(`Catwalk answers at ${publicUrl.origin}.`)
  },

  async proxies({ publicUrl, trustedProxies, listensOnLoopback }) {
    const everybody = trustedProxies.find((range) => range.endsWith('/0'))
    if (everybody !== undefined) {
      return error(
        `Every address is a trusted proxy (${everybody}): any client can claim to be any other.`,
        'Name in CATWALK_TRUSTED_PROXIES only the addresses of your own proxies.',
      )
    }
    if (trustedProxies.length > 0) return ok(`X-Forwarded-For is believed of ${trustedProxies.join(', ')}.`)
    if (publicUrl.protocol === 'https:' && listensOnLoopback) {
      return warning(
        'A proxy is in front, but none is trusted: limits and the audit log take every client for the proxy.',
        'Set CATWALK_TRUSTED_PROXIES=loopback, if the proxy runs on this machine.',
      )
    }
    return ok('No proxy is trusted: the address of the connection counts.')
  },
}

/** The names of deployments; of one that is not known any more its id. */
async function slugsOf(db: queries.Handle, ids: readonly string[]): Promise<readonly string[]> {
  const rows = await db.selectFrom('deployments').select(['id', 'slug']).where('id', 'in', ids).execute()
  const slugs = new Map(rows.map(({ id, slug }) => [id, slug]))
  return ids.map((id) => slugs.get(id) ?? id)
}

/** What is known here is served whatever the registry does, so this is never an error. */
async function examineRegistry(db: queries.Handle, name: RegistryName, setting: string): Promise<Verdict> {
  const row = (await queries.listRegistrySources(db)).find((source) => source.name === name)
  if (row === undefined) return ok(`It is not asked: ${setting} is set to nothing.`)
  const { servers, synced_at: syncedAt, failure } = row
  const known =
    syncedAt === null
      ? `${servers} servers are known so far.`
      : `${servers} servers are known, as of ${syncedAt.toISOString()}.`
  if (failure !== null) {
    return warning(
      `${failure} ${known}`,
      `Check the network, a firewall and ${setting}; set it to nothing to do without. Try again: bin/catwalk registry sync`,
    )
  }
  return ok(syncedAt === null ? `${row.url} is being read. ${known}` : `${row.url} answers. ${known}`)
}
