export {
  claimDueAccount,
  claimRevocation,
  countAccountsOf,
  deleteAccountProvider,
  deleteAllAccounts,
  deleteConnectedAccounts,
  deleteRevocation,
  isRefreshing,
  listAccountProviders,
  listConnectedAccounts,
  markBroken,
  putAccountProvider,
  putConnectedAccount,
  putOffRefresh,
  restartIfRunning,
  saveRefreshed,
  type AccountProviderRow,
  type ConnectedAccountRow,
  type RefreshWish,
  type RevocationRow,
} from './accounts.ts'
export {
  deleteAnalyses,
  deleteOldAnalyses,
  findAnalysis,
  recallAnalysis,
  storeAnalysis,
  type AnalysisKey,
  type AnalysisRow,
} from './analyses.ts'
export { announce, CHANNEL, readAnnouncement, type Announcement } from './announce.ts'
export { insertCalls, listCalls, type CallFilter, type CallRow } from './calls.ts'
export { lockWorkspace, ownQuotas, setOwnQuotas, takenOf } from './quotas.ts'
export {
  addAwakeTimes,
  addUsage,
  awakeByDeployment,
  deleteOldUsage,
  usageByGroup,
  usageBySubject,
  usageOverTime,
  type AwakeTime,
  type UsageFilter,
  type UsageGroupRow,
  type UsageRow,
} from './usage.ts'
export {
  credentialsOf,
  deleteCredentials,
  insertCredential,
  newestCredentialVersions,
  type CredentialRow,
} from './credentials.ts'
export {
  chainAudit,
  listAudit,
  lockAuditHead,
  readAuditChain,
  recordAudit,
  unchainedAudit,
  type AuditRecord,
  type AuditRow,
} from './audit.ts'
export {
  findDeploymentView,
  listDeploymentFacts,
  listDeploymentViews,
  type DeploymentView,
} from './deployment-views.ts'
export {
  countRestart,
  deploymentId,
  endpointSettings,
  findEndpoint,
  lockEndpoint,
  setEndpointSettings,
  insertDeployment,
  lockDeployment,
  setRuntime,
  setDesired,
  type DeploymentRow,
  type EndpointRow,
  type EndpointSettings,
} from './deployments.ts'
export {
  deleteEndpointToken,
  deleteReplacedTokens,
  findEndpointToken,
  insertEndpointToken,
  listEndpointTokens,
  replaceEndpointToken,
  touchEndpointTokens,
  type EndpointTokenRow,
} from './endpoint-tokens.ts'
export {
  addCollectionMember,
  deleteCollection,
  findCollection,
  insertCollection,
  listCollections,
  lockCollection,
  removeCollectionMember,
  setCollection,
  type CollectionRow,
} from './collections.ts'
export { insertEvent, listEvents, type EventKind, type EventRow, type NewEvent } from './events.ts'
export type { Handle } from './handle.ts'
export {
  claimDueDeployment,
  claimSleeping,
  wakeElsewhere,
  currentGeneration,
  dropLease,
  enterNode,
  fence,
  LeaseLost,
  leaveNode,
  nextDueInMs,
  renewLeases,
  takeUpAgain,
  scheduleNext,
  setFailures,
  type Lease,
} from './leases.ts'
export {
  deleteOldLogLines,
  insertLogLines,
  lastLogLines,
  listLogLines,
  searchLogLines,
  type LogLineFilter,
  type LogLineRow,
} from './log-lines.ts'
export {
  deleteExpiredMcpSessions,
  endedMcpSessions,
  endMcpSession,
  findMcpSession,
  keepMcpSession,
} from './mcp-sessions.ts'
export {
  deleteDeployment,
  deleteInstance,
  deleteInstances,
  insertInstance,
  markInstance,
  setAsleep,
  saveSeenManifest,
  markLive,
  moveRelease,
  saveLockFile,
  supersedeOlder,
} from './reconciliation.ts'
export {
  findRelease,
  insertRelease,
  findReleaseByNumber,
  listReleases,
  liveManifest,
  liveRelease,
  releasesInUse,
  manifestOf,
  previouslyLive,
  newestRelease,
  recordedManifest,
  type NewRelease,
  type ReleaseFailure,
  type ReleaseRow,
} from './releases.ts'
export { answers, heartbeat } from './nodes.ts'
export {
  deletePersonalCredentials,
  findForMember,
  isMember,
  listPersonalCredentials,
  listPersonalDeployments,
  makerOfRelease,
  personalCredentialsOf,
  personOfApiKey,
  putPersonalCredential,
  type BroughtRow,
  type PersonalDeploymentRow,
} from './personal-credentials.ts'
export {
  connectionOfAuthorization,
  countUnusedOAuthClients,
  deleteAuthorization,
  deleteEndedOAuth,
  deletePredefinedClient,
  deploymentsConnectedBy,
  endConnections,
  findConsent,
  findOAuthClient,
  findOAuthEndpoint,
  insertAuthorization,
  insertOAuthCode,
  listConnections,
  listPredefinedClients,
  lockOAuthCode,
  lockRefreshToken,
  putConsent,
  putOAuthClient,
  redeemOAuthCode,
  rotateRefreshToken,
  touchConnections,
  type ConnectionRow,
  type OAuthClientRow,
  type OAuthCodeRow,
  type OAuthGrantRow,
  type RefreshTokenRow,
} from './oauth.ts'
export {
  countSealedByKey,
  lockSealedSettings,
  lockSealedUnderOthers,
  replaceSealed,
  SEALED_TABLES,
  type SealedRow,
  type SealedTable,
} from './sealed.ts'
export { readSetting, settleSetting, writeSetting } from './settings.ts'
export {
  findRegistryServer,
  listRegistryPackages,
  searchRegistryServers,
  type FoundServerRow,
  type RegistryServerRow,
  type SearchCursor,
} from './registry-servers.ts'
export {
  claimCrawl,
  enterRegistrySources,
  failCrawl,
  finishCrawl,
  hastenRegistrySources,
  listRegistrySources,
  saveRegistryPage,
  type ClaimedCrawl,
  type RegistrySourceRow,
} from './registry-sources.ts'
export { loadRoutes, type RouteRow } from './routes.ts'
export { readTools, setToolPinning, setToolPins, setToolSettings, type ToolsRow } from './tools.ts'
export {
  deleteWorkspaceSettings,
  listWorkspaceSettings,
  replaceWorkspaceSettings,
  type WorkspaceSettingRow,
} from './workspace-settings.ts'
