import { queries, type Database } from '../../src/db/index.ts'
import { startRegistries, type Registries } from '../../src/program/registries.ts'
import type { FakeServer } from '../fakes/mcp-registry.ts'
import { silentLogger } from '../support/logger.ts'
import { until } from '../support/until.ts'

export function aServer(
  name: string,
  changes: Omit<Partial<FakeServer>, 'server'> & { readonly server?: object } = {},
): FakeServer {
  const { server, ...rest } = changes
  return {
    server: { name: `io.github.acme/${name}`, description: `Does ${name}.`, version: '1.0.0', ...server },
    ...rest,
  }
}

/** A node that mirrors the given registries. */
export async function startNode(
  database: Database,
  urls: { registry?: string; glama?: string },
  nodeId = 'node_1',
): Promise<Registries> {
  return startRegistries({
    db: database.kysely,
    nodeId,
    config: { registryUrl: urls.registry ?? null, glamaUrl: urls.glama ?? null, registrySyncMs: 3_600_000 },
    userAgent: 'catwalk/test',
    logger: silentLogger,
  })
}

type State = Awaited<ReturnType<typeof queries.listRegistrySources>>[number]

/** The state of a registry once it is so. */
export async function stateWhen(
  database: Database,
  isSo: (state: State) => boolean,
  name = 'official',
): Promise<State> {
  return until(`the state of ${name}`, async () => {
    const state = (await queries.listRegistrySources(database.kysely)).find((row) => row.name === name)
    return state !== undefined && isSo(state) ? state : null
  })
}

/** Has everything asked again, and waits until an attempt has ended. */
export async function syncAgain(database: Database, node: Registries, name = 'official'): Promise<State> {
  const before = await stateWhen(database, () => true, name)
  await queries.hastenRegistrySources(database.kysely)
  return until(`an attempt at ${name}`, async () => {
    node.poke()
    const state = (await queries.listRegistrySources(database.kysely)).find((row) => row.name === name)
    if (state === undefined) return null
    const hasEnded =
      state.synced_at?.getTime() !== before.synced_at?.getTime() ||
      state.failed_at?.getTime() !== before.failed_at?.getTime()
    return hasEnded ? state : null
  })
}

export async function namesIn(database: Database): Promise<readonly string[]> {
  const rows = await database.kysely.selectFrom('registry_servers').select('name').orderBy('name').execute()
  return rows.map(({ name }) => name)
}
