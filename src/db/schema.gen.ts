// Made by scripts/generate-db-types.ts from the migrations. Do not edit; run `npm run generate`.
import type { GeneratedAlways } from 'kysely'
import type {
  Analysis,
  JsonObject,
  JsonValue,
  LaunchPackage,
  LaunchSpec,
  Manifest,
  RegistryDocument,
  ReleaseSettings,
  UpdateTrial,
} from '../domain/index.ts'
import type { Defaulted, Jsonb, Timestamp } from './column-types.ts'

export interface AccountProvidersTable {
  id: string
  workspace_id: string
  name: string
  authorization_url: string
  token_url: string
  issuer: string | null
  scopes: readonly string[]
  parameters: Jsonb<JsonValue>
  client_id: string
  auth_method: 'client_secret_post' | 'client_secret_basic' | 'none'
  token: string
  key_id: string
  created_at: Defaulted<Timestamp>
  revocation_url: string | null
}

export interface AccountRevocationsTable {
  id: string
  provider_id: string
  token: string
  key_id: string
  attempts: Defaulted<number>
  next_at: Defaulted<Timestamp>
}

export interface AccountsTable {
  id: string
  user_id: string
  provider_id: string
  account_id: string
  password: string | null
  access_token: string | null
  refresh_token: string | null
  id_token: string | null
  access_token_expires_at: Timestamp | null
  refresh_token_expires_at: Timestamp | null
  scope: string | null
  created_at: Defaulted<Timestamp>
  updated_at: Defaulted<Timestamp>
}

export interface AnalysesTable {
  id: string
  workspace_id: string
  source: string
  pinned: string
  source_commit: string | null
  server: Defaulted<string>
  boot: boolean
  model: boolean
  program_version: string
  result: Jsonb<Analysis>
  duration_ms: number
  created_at: Defaulted<Timestamp>
}

export interface ApiKeysTable {
  id: string
  workspace_id: string
  name: string
  role: 'viewer' | 'member' | 'admin' | 'owner'
  hash: Buffer
  prefix: string
  created_by: string
  created_at: Defaulted<Timestamp>
  expires_at: Timestamp | null
  last_used_at: Timestamp | null
  is_installation_admin: Defaulted<boolean>
  scopes: readonly string[] | null
}

export interface AuditEntriesTable {
  id: string
  workspace_id: string
  actor_kind: string
  actor_id: string
  actor_label: string
  address: string | null
  action: string
  target: string | null
  outcome: 'done' | 'refused' | 'failed'
  detail: Defaulted<Jsonb<JsonObject>>
  at: Defaulted<Timestamp>
  seq: string | null
  previous_hash: Buffer | null
  hash: Buffer | null
}

export interface CallsTable {
  id: GeneratedAlways<string>
  at: Timestamp
  workspace_id: string
  deployment_id: string
  token_id: string | null
  subject: string
  method: string | null
  name: string | null
  outcome: 'ok' | 'tool_error' | 'error' | 'cancelled' | 'failed' | 'limited' | 'unavailable'
  duration_ms: number
  request_id: string
  trace_id: string | null
}

export interface CollectionMembersTable {
  collection_id: string
  deployment_id: string
  prefix: string
  position: number
}

export interface CollectionsTable {
  deployment_id: string
  listing: Defaulted<'auto' | 'flat' | 'search'>
  search_over: Defaulted<number>
}

export interface ConnectedAccountsTable {
  id: string
  workspace_id: string
  deployment_id: string
  user_id: string | null
  name: string
  provider_id: string
  token: string
  key_id: string
  version: Defaulted<number>
  state: 'connected' | 'broken'
  problem: string | null
  expires_at: Timestamp | null
  refresh_at: Timestamp | null
  lease_until: Timestamp | null
  failures: Defaulted<number>
  connected_by: string
  connected_at: Defaulted<Timestamp>
}

export interface CredentialsTable {
  id: string
  workspace_id: string
  deployment_id: string
  name: string
  version: number
  token: string
  key_id: string
  created_at: Defaulted<Timestamp>
}

export interface DeploymentsTable {
  id: string
  workspace_id: string
  slug: string
  name: string
  source: string
  runtime: 'local' | 'docker' | 'fly' | 'kubernetes' | 'remote'
  slot: Defaulted<number>
  desired: 'running' | 'stopped' | 'deleted'
  generation: Defaulted<number>
  restart_count: Defaulted<number>
  live_release_id: string | null
  failures: Defaulted<number>
  lease_holder: string | null
  lease_epoch: Defaulted<string>
  lease_expires_at: Timestamp | null
  next_at: Defaulted<Timestamp | null>
  created_at: Defaulted<Timestamp>
  updated_at: Defaulted<Timestamp>
  home_node: string | null
  keeps_data: Defaulted<boolean>
  allowed_origins: Defaulted<readonly string[]>
  processes: Defaulted<'auto' | 'shared' | 'per-session'>
  access: Defaulted<'token' | 'oauth' | 'both' | 'public'>
  asleep: Defaulted<boolean>
  always_on: Defaulted<boolean>
  idle_timeout_s: number | null
  stateful: Defaulted<boolean>
  kind: Defaulted<'server' | 'collection'>
  tool_settings: Defaulted<Jsonb<JsonValue>>
  tool_pinning: Defaulted<'off' | 'changed' | 'strict'>
  tracked: string | null
}

export interface DeviceLoginsTable {
  id: string
  hash: Buffer
  user_code: string
  client: string
  address: string | null
  approved: boolean | null
  user_id: string | null
  workspace_id: string | null
  role: 'viewer' | 'member' | 'admin' | 'owner' | null
  key_expires_in_days: number | null
  interval_s: number
  asked_at: Timestamp | null
  created_at: Defaulted<Timestamp>
  expires_at: Timestamp
}

export interface EndpointTokensTable {
  id: string
  workspace_id: string
  deployment_id: string
  name: string
  hash: Buffer
  prefix: string
  created_at: Defaulted<Timestamp>
  expires_at: Timestamp | null
  last_used_at: Timestamp | null
  scope: Defaulted<'read' | 'full'>
  replaced_by: string | null
  user_id: string | null
  calls_per_minute: number | null
  concurrent_calls: number | null
}

export interface EventsTable {
  id: GeneratedAlways<string>
  workspace_id: string
  deployment_id: string
  release_id: string | null
  kind: string
  message: string
  data: Defaulted<Jsonb<JsonObject>>
  at: Defaulted<Timestamp>
}

export interface InstancesTable {
  id: string
  workspace_id: string
  deployment_id: string
  release_id: string
  node_id: string
  epoch: string
  restart_count: number
  state: 'starting' | 'ready' | 'unhealthy'
  started_at: Defaulted<Timestamp>
}

export interface InvitationsTable {
  id: string
  workspace_id: string
  role: 'viewer' | 'member' | 'admin' | 'owner'
  email: string | null
  hash: Buffer
  created_by: string
  created_at: Defaulted<Timestamp>
  expires_at: Timestamp
}

export interface LogLinesTable {
  id: GeneratedAlways<string>
  workspace_id: string
  deployment_id: string
  release_id: string | null
  stream: 'stdout' | 'stderr' | 'system'
  line: string
  at: Timestamp
  instance_id: string | null
}

export interface McpSessionsTable {
  deployment_id: string
  id: string
  ended: Defaulted<boolean>
  level: string | null
  subscriptions: Defaulted<readonly string[]>
  expires_at: Timestamp
}

export interface MembersTable {
  workspace_id: string
  user_id: string
  role: 'viewer' | 'member' | 'admin' | 'owner'
  created_at: Defaulted<Timestamp>
}

export interface NodesTable {
  id: string
  started_at: Defaulted<Timestamp>
  heartbeat_at: Defaulted<Timestamp>
  address: string | null
  lost_at: Timestamp | null
}

export interface NoticeChannelsTable {
  id: string
  workspace_id: string
  kind: 'webhook' | 'mail'
  shown: string
  token: string
  key_id: string
  notices: readonly string[]
  secret_version: Defaulted<number>
  created_by: string
  created_at: Defaulted<Timestamp>
}

export interface NoticeDeliveriesTable {
  notice_id: string
  channel_id: string
  state: Defaulted<'pending' | 'delivered' | 'failed'>
  attempts: Defaulted<number>
  next_at: Defaulted<Timestamp>
  lease_until: Timestamp | null
  error: string | null
  ended_at: Timestamp | null
}

export interface NoticesTable {
  id: string
  workspace_id: string
  at: Defaulted<Timestamp>
  kind: string
  deployment_id: string | null
  deployment: Jsonb<JsonValue> | null
  message: string
  once: string | null
}

export interface OauthAuthorizationsTable {
  id: string
  connection_id: string
  scopes: readonly string[]
  created_at: Defaulted<Timestamp>
  expires_at: Timestamp
}

export interface OauthClientsTable {
  id: string
  kind: 'registered' | 'document' | 'predefined'
  deployment_id: string | null
  name: string
  uri: string | null
  redirect_uris: readonly string[]
  auth_method: 'none' | 'client_secret_post' | 'client_secret_basic'
  secret_hash: Buffer | null
  created_at: Defaulted<Timestamp>
  last_used_at: Timestamp | null
  fresh_until: Timestamp | null
}

export interface OauthCodesTable {
  hash: Buffer
  connection_id: string
  redirect_uri: string
  challenge: string
  scopes: readonly string[]
  expires_at: Timestamp
  redeemed_at: Timestamp | null
  authorization_id: string | null
}

export interface OauthConnectionsTable {
  id: string
  client_id: string
  user_id: string
  deployment_id: string
  scopes: readonly string[]
  redirect_uri: string
  created_at: Defaulted<Timestamp>
  last_used_at: Timestamp | null
}

export interface OauthRefreshTokensTable {
  hash: Buffer
  authorization_id: string
  expires_at: Timestamp
  used_at: Timestamp | null
}

export interface PasskeysTable {
  id: string
  user_id: string
  name: string | null
  public_key: string
  credential_id: string
  counter: number
  device_type: string
  backed_up: boolean
  transports: string | null
  aaguid: string | null
  created_at: Defaulted<Timestamp | null>
}

export interface PersonalCredentialsTable {
  id: string
  workspace_id: string
  deployment_id: string
  user_id: string | null
  name: string
  version: number
  token: string
  key_id: string
  created_at: Defaulted<Timestamp>
  renewed: Defaulted<boolean>
}

export interface RegistryServersTable {
  source: 'official' | 'glama'
  name: string
  title: string | null
  description: string
  version: string | null
  status: 'active' | 'deprecated'
  status_message: string | null
  repository: string | null
  repository_key: string | null
  folder: string
  website: string | null
  license: string | null
  identifiers: string
  document: Jsonb<RegistryDocument>
  published_at: Timestamp | null
  updated_at: Timestamp | null
  crawl: string
  search: GeneratedAlways<string>
}

export interface RegistrySourcesTable {
  name: 'official' | 'glama'
  url: string
  crawl: Defaulted<string>
  crawl_began_at: Timestamp | null
  crawl_since: Timestamp | null
  crawl_pages: Defaulted<number>
  cursor: string | null
  next_at: Defaulted<Timestamp>
  synced_at: Timestamp | null
  full_synced_at: Timestamp | null
  failed_at: Timestamp | null
  failure: string | null
  failures: Defaulted<number>
  lease_holder: string | null
  lease_until: Timestamp | null
}

export interface ReleaseOffersTable {
  workspace_id: string
  release_id: string
  capability_set: string
  offers: Jsonb<JsonValue> | null
  approved: Defaulted<Jsonb<JsonValue>>
  seen_at: Defaulted<Timestamp>
}

export interface ReleasesTable {
  id: string
  workspace_id: string
  deployment_id: string
  number: number
  launch_spec: Jsonb<LaunchSpec>
  settings: Jsonb<ReleaseSettings>
  credential_versions: Jsonb<Readonly<Record<string, number>>>
  state: 'pending' | 'installing' | 'starting' | 'probing' | 'live' | 'superseded' | 'failed'
  lock_file: string | null
  manifest: Jsonb<Manifest> | null
  error: Jsonb<JsonObject> | null
  created_by: string
  created_at: Defaulted<Timestamp>
  live_at: Timestamp | null
  seen_manifest: Jsonb<Manifest> | null
  tool_pins: Jsonb<JsonValue> | null
  tool_sightings: Defaulted<Jsonb<JsonValue>>
}

export interface SessionsTable {
  id: string
  user_id: string
  token: string
  expires_at: Timestamp
  ip_address: string | null
  user_agent: string | null
  created_at: Defaulted<Timestamp>
  updated_at: Defaulted<Timestamp>
}

export interface SettingsTable {
  key: string
  value: Jsonb<JsonValue>
  updated_at: Defaulted<Timestamp>
}

export interface SignInFailuresTable {
  key: string
  count: number
  last_at: Timestamp
  open_at: Timestamp
}

export interface TwoFactorsTable {
  id: string
  user_id: string
  secret: string
  backup_codes: string
  verified: Defaulted<boolean>
  failed_verification_count: Defaulted<number>
  locked_until: Timestamp | null
}

export interface UpdatesTable {
  deployment_id: string
  next_at: Timestamp
  asked: Defaulted<boolean>
  lease_until: Timestamp | null
  lease_epoch: Defaulted<number>
  phase: Defaulted<'idle' | 'looking' | 'trying'>
  failures: Defaulted<number>
  checked_at: Timestamp | null
  failure: string | null
  base: Jsonb<LaunchPackage> | null
  candidate: Jsonb<LaunchPackage> | null
  version: string | null
  published_at: Timestamp | null
  deprecated: string | null
  trial: Jsonb<UpdateTrial> | null
  skipped: string | null
  told: string | null
}

export interface UsageMemoryTable {
  hour: Timestamp
  workspace_id: string
  deployment_id: string
  runtime: string
  awake_ms: string
  mib_ms: string
}

export interface UsageMinutesTable {
  minute: Timestamp
  workspace_id: string
  deployment_id: string
  token_id: string
  method: string
  name: string
  calls: number
  errors: number
  latency: readonly number[]
}

export interface UsageTotalsTable {
  span: 'hour' | 'day'
  start: Timestamp
  workspace_id: string
  deployment_id: string
  token_id: string
  method: string
  name: string
  calls: number
  errors: number
  latency: readonly number[]
}

export interface UsedCodesTable {
  user_id: string
  code: string
  used_at: Defaulted<Timestamp>
}

export interface UsersTable {
  id: string
  name: string
  email: string
  email_verified: Defaulted<boolean>
  image: string | null
  created_at: Defaulted<Timestamp>
  updated_at: Defaulted<Timestamp>
  is_installation_admin: Defaulted<boolean>
  two_factor_enabled: Defaulted<boolean>
}

export interface VerificationsTable {
  id: string
  identifier: string
  value: string
  expires_at: Timestamp
  created_at: Defaulted<Timestamp>
  updated_at: Defaulted<Timestamp>
}

export interface WorkspaceQuotasTable {
  workspace_id: string
  deployments: number | null
  memory_mib: number | null
  calls_per_minute: number | null
  concurrent_calls: number | null
  updated_at: Defaulted<Timestamp>
}

export interface WorkspaceSettingsTable {
  id: string
  workspace_id: string
  name: string
  token: string
  key_id: string
  masked: string
  account: string | null
  checked_at: Defaulted<Timestamp>
}

export interface WorkspacesTable {
  id: string
  name: string
  personal: Defaulted<boolean>
  created_at: Defaulted<Timestamp>
}

export interface DB {
  account_providers: AccountProvidersTable
  account_revocations: AccountRevocationsTable
  accounts: AccountsTable
  analyses: AnalysesTable
  api_keys: ApiKeysTable
  audit_entries: AuditEntriesTable
  calls: CallsTable
  collection_members: CollectionMembersTable
  collections: CollectionsTable
  connected_accounts: ConnectedAccountsTable
  credentials: CredentialsTable
  deployments: DeploymentsTable
  device_logins: DeviceLoginsTable
  endpoint_tokens: EndpointTokensTable
  events: EventsTable
  instances: InstancesTable
  invitations: InvitationsTable
  log_lines: LogLinesTable
  mcp_sessions: McpSessionsTable
  members: MembersTable
  nodes: NodesTable
  notice_channels: NoticeChannelsTable
  notice_deliveries: NoticeDeliveriesTable
  notices: NoticesTable
  oauth_authorizations: OauthAuthorizationsTable
  oauth_clients: OauthClientsTable
  oauth_codes: OauthCodesTable
  oauth_connections: OauthConnectionsTable
  oauth_refresh_tokens: OauthRefreshTokensTable
  passkeys: PasskeysTable
  personal_credentials: PersonalCredentialsTable
  registry_servers: RegistryServersTable
  registry_sources: RegistrySourcesTable
  release_offers: ReleaseOffersTable
  releases: ReleasesTable
  sessions: SessionsTable
  settings: SettingsTable
  sign_in_failures: SignInFailuresTable
  two_factors: TwoFactorsTable
  updates: UpdatesTable
  usage_memory: UsageMemoryTable
  usage_minutes: UsageMinutesTable
  usage_totals: UsageTotalsTable
  used_codes: UsedCodesTable
  users: UsersTable
  verifications: VerificationsTable
  workspace_quotas: WorkspaceQuotasTable
  workspace_settings: WorkspaceSettingsTable
  workspaces: WorkspacesTable
}
