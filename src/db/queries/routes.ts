import { sql } from 'kysely'
import type {
  AccessMode,
  DesiredState,
  TokenScope,
  ToolListing,
  ToolBlock,
  ToolPinning,
  ToolPins,
  ToolSettings,
} from '../../domain/index.ts'
import type { Handle } from './handle.ts'

/** What a gateway must know of a deployment to answer a call without asking again. */
export interface RouteRow {
  readonly deployment_id: string
  readonly workspace_id: string
  readonly slug: string
  readonly allowed_origins: readonly string[]
  readonly tool_settings: ToolSettings
  readonly tool_pinning: ToolPinning
  readonly live_release_id: string | null
  /** Null for a release from before there were pins. */
  readonly tool_pins: ToolPins | null
  /** What the live release was seen to list beside what was approved. */
  readonly tool_sightings: Readonly<Record<string, ToolBlock>>
  /** Capability sets that were recorded of the live release: whether those clients are offered the same as others. */
  readonly tool_sets: Readonly<Record<string, boolean>>
  readonly access: AccessMode
  readonly desired: DesiredState
  readonly has_live_release: boolean
  /** Whether every caller has a process of their own. */
  readonly personal: boolean
  readonly newest_state: string
  readonly asleep: boolean
  readonly failures: number
  /** What is set for its workspace; null is what every one may. */
  readonly calls_per_minute: number | null
  readonly concurrent_calls: number | null
  /** The node with the newest instance of the live release that has answered. */
  readonly owner: { readonly node_id: string; readonly address: string | null } | null
  /** Hashes are SHA-256 in hexadecimal. */
  readonly tokens: readonly {
    readonly hash: string
    readonly id: string
    readonly scope: TokenScope
    readonly expires_at: string | null
    /** Who made it, while that person is a member. */
    readonly user_id: string | null
    readonly calls_per_minute: number | null
    readonly concurrent_calls: number | null
  }[]
  /** What people allowed clients; of those who left the workspace there is none. */
  /** Null for a deployment. */
  readonly collection: {
    readonly name: string
    readonly listing: ToolListing
    readonly search_over: number
    readonly members: readonly { readonly deployment_id: string; readonly prefix: string }[]
  } | null
  readonly authorizations: readonly {
    readonly id: string
    readonly connection_id: string
    readonly user_id: string
    readonly scope: TokenScope
  }[]
}

/** Every route, or that of one deployment (none when it is gone). */
export async function loadRoutes(db: Handle, deploymentId?: string): Promise<readonly RouteRow[]> {
  const { rows } = await sql<RouteRow>`
    select d.id as deployment_id, d.workspace_id, d.slug, d.access, d.desired, d.allowed_origins, d.tool_settings, d.tool_pinning, d.live_release_id,
      (select l.tool_pins from releases l where l.id = d.live_release_id) as tool_pins,
      coalesce((
        select jsonb_object_agg(s.key, s.value -> 'kind')
        from releases l, jsonb_each(l.tool_sightings) s where l.id = d.live_release_id
      ), '{}') as tool_sightings,
      coalesce((
        select jsonb_object_agg(o.capability_set, o.offers is null) from release_offers o where o.release_id = d.live_release_id
      ), '{}') as tool_sets, d.asleep, d.failures,
      q.calls_per_minute, q.concurrent_calls,
      d.live_release_id is not null as has_live_release,
      coalesce((
        select jsonb_array_length(coalesce(l.settings -> 'personal', '[]')) > 0 from releases l where l.id = d.live_release_id
      ), false) as personal,
      (select r.state from releases r where r.deployment_id = d.id order by r.number desc limit 1) as newest_state,
      (
        select jsonb_build_object('node_id', n.id, 'address', n.address)
        from instances i join nodes n on n.id = i.node_id
        where i.release_id = d.live_release_id and i.state in ('ready', 'unhealthy')
        order by i.epoch desc, i.started_at desc limit 1
      ) as owner,
      coalesce((
        select jsonb_agg(jsonb_build_object('hash', encode(t.hash, 'hex'), 'id', t.id, 'scope', t.scope,
          'expires_at', t.expires_at, 'user_id', m.user_id,
          'calls_per_minute', t.calls_per_minute, 'concurrent_calls', t.concurrent_calls))
        from endpoint_tokens t
        left join members m on m.workspace_id = d.workspace_id and m.user_id = t.user_id
        where t.deployment_id = d.id
      ), '[]') as tokens,
      coalesce((
        select jsonb_agg(jsonb_build_object('id', a.id, 'connection_id', c.id, 'user_id', c.user_id,
          -- Viewers call no tools, whatever they allow a client.
          'scope', case when 'mcp:tools' = any(a.scopes) and m.role <> 'viewer' then 'full' else 'read' end))
        from oauth_connections c
        join oauth_authorizations a on a.connection_id = c.id
        join members m on m.workspace_id = d.workspace_id and m.user_id = c.user_id
        where c.deployment_id = d.id
      ), '[]') as authorizations,
      (
        select jsonb_build_object('name', d.name, 'listing', c.listing, 'search_over', c.search_over, 'members', coalesce((
          select jsonb_agg(jsonb_build_object('deployment_id', m.deployment_id, 'prefix', m.prefix) order by m.position)
          from collection_members m where m.collection_id = c.deployment_id
        ), '[]'))
        from collections c where c.deployment_id = d.id
      ) as collection
    from deployments d
    left join workspace_quotas q on q.workspace_id = d.workspace_id
    where (${deploymentId ?? null}::text is null or d.id = ${deploymentId ?? null}) and d.desired <> 'deleted'`.execute(
    db,
  )
  return rows
}
