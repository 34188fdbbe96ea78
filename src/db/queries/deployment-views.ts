import {
  CatwalkError,
  quoted,
  type DeploymentFacts,
  type DesiredState,
  type RuntimeKind,
} from '../../domain/index.ts'
import { sql } from 'kysely'
import type { Handle } from './handle.ts'
import { NODE_GONE_SECONDS } from './leases.ts'
import type { ReleaseRow } from './releases.ts'

/** All that is shown of a deployment, read in one query. */
export interface DeploymentView {
  readonly id: string
  readonly slug: string
  readonly name: string
  readonly source: string
  readonly runtime: RuntimeKind
  readonly desired: DesiredState
  readonly failures: number
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly newest: ReleaseRow
  readonly liveNumber: number | null
  readonly toolCount: number | null
  /** A newer version of what serves that nobody skipped; null where none is known. */
  readonly update: string | null
  readonly instanceReady: boolean
  readonly instanceSilent: boolean
  readonly asleep: boolean
  readonly nodeLost: boolean
  /** Why the last instance ended, if one did. */
  readonly lastEnd: string | null
}

interface ViewRow {
  id: string
  slug: string
  name: string
  source: string
  runtime: RuntimeKind
  desired: DesiredState
  failures: number
  created_at: Date
  updated_at: Date
  newest: Omit<ReleaseRow, 'created_at' | 'live_at'> & { created_at: string; live_at: string | null }
  live_number: number | null
  tool_count: number | null
  update: string | null
  instance_ready: boolean
  instance_silent: boolean
  asleep: boolean
  node_lost: boolean
  last_end: string | null
}

/** Whether an instance of the live release is in a state, on a node that is there. */
const hasInstance = (state: 'ready' | 'unhealthy') => sql`exists (
  select from instances i join nodes n on n.id = i.node_id
  where i.release_id = d.live_release_id and i.state = ${state}
    and n.heartbeat_at > now() - make_interval(secs => ${NODE_GONE_SECONDS})
)`

/** Whether the node that has the deployment's data is gone. */
const isNodeLost = sql`(
  d.home_node is not null and d.keeps_data and not exists (
    select from nodes n
    where n.id = d.home_node and n.heartbeat_at > now() - make_interval(secs => ${NODE_GONE_SECONDS})
  )
)`

async function select(db: Handle, workspaceId: string, idOrSlug: string | null): Promise<DeploymentView[]> {
  const { rows } = await sql<ViewRow>`
    select d.id, d.slug, d.name, d.source, d.runtime, d.desired, d.failures, d.created_at, d.updated_at,
      to_jsonb(newest) - '{lock_file,manifest,seen_manifest,tool_pins,tool_sightings}'::text[] as newest,
      live.number as live_number,
      jsonb_array_length(live.manifest -> 'tools') as tool_count,
      (
        select u.version from updates u
        where u.deployment_id = d.id and u.base = live.launch_spec -> 'package'
          and u.version is distinct from u.skipped
      ) as update,
      ${hasInstance('ready')} as instance_ready, ${hasInstance('unhealthy')} as instance_silent, d.asleep,
      ${isNodeLost} as node_lost,
      (
        select e.message from events e
        where e.deployment_id = d.id and e.kind in ('instance.ended', 'instance.silent') order by e.id desc limit 1
      ) as last_end
    from deployments d
    join lateral (
      select * from releases r where r.deployment_id = d.id order by r.number desc limit 1
    ) newest on true
    left join releases live on live.id = d.live_release_id
    where d.workspace_id = ${workspaceId}
      and (${idOrSlug}::text is null or d.id = ${idOrSlug} or d.slug = ${idOrSlug})
    order by d.created_at desc, d.id desc`.execute(db)
  return rows.map(asView)
}

function asView(row: ViewRow): DeploymentView {
  return {
    id: row.id,
    slug: row.slug,
    name: row.name,
    source: row.source,
    runtime: row.runtime,
    desired: row.desired,
    failures: row.failures,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    newest: {
      ...row.newest,
      lock_file: null,
      created_at: new Date(row.newest.created_at),
      live_at: row.newest.live_at === null ? null : new Date(row.newest.live_at),
    },
    liveNumber: row.live_number,
    toolCount: row.tool_count,
    update: row.update,
    instanceReady: row.instance_ready,
    instanceSilent: row.instance_silent,
    asleep: row.asleep,
    nodeLost: row.node_lost,
    lastEnd: row.last_end,
  }
}

/** All deployments of a workspace, newest first. */
export async function listDeploymentViews(
  db: Handle,
  workspaceId: string,
): Promise<readonly DeploymentView[]> {
  return select(db, workspaceId, null)
}

/**
 * One deployment of a workspace.
 * @throws CatwalkError `deployment_not_found`, for another workspace's as well
 */
export async function findDeploymentView(
  db: Handle,
  workspaceId: string,
  idOrSlug: string,
): Promise<DeploymentView> {
  const [view] = await select(db, workspaceId, idOrSlug)
  if (view !== undefined) return view
  throw new CatwalkError(
    'deployment_not_found',
    `There is no deployment ${quoted(idOrSlug)} in this workspace.`,
  )
}

/** What the state of each deployment follows from, of all workspaces; for counting. */
export async function listDeploymentFacts(db: Handle): Promise<readonly DeploymentFacts[]> {
  const { rows } = await sql<DeploymentFacts>`
    select d.desired, d.failures, d.live_release_id is not null as "hasLiveRelease", d.asleep,
      (
        select r.state from releases r where r.deployment_id = d.id order by r.number desc limit 1
      ) as newest,
      ${hasInstance('ready')} as "instanceReady", ${hasInstance('unhealthy')} as "instanceSilent", ${isNodeLost} as "nodeLost"
    from deployments d where d.kind = 'server'`.execute(db)
  return rows
}
