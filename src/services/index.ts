export { listCalls } from './calls.ts'
export { chainAuditEntries } from './audit/chain.ts'
export { listAudit } from './audit/read.ts'
export { verifyAudit } from './audit/verify.ts'
export { clearAnalyses } from './analyses/clear.ts'
export { disconnectAccount, finishAccount, startAccount } from './accounts/connect.ts'
export { createAccountKeeper, type AccountKeeper } from './accounts/keeper.ts'
export { listAccounts } from './accounts/list.ts'
export { deleteAccountProvider, listAccountProviders, putAccountProvider } from './accounts/providers.ts'
export { createAnalysis, startAnalysis } from './analyses/create.ts'
export { streamAnalysis } from './analyses/feed.ts'
export { getAnalysis } from './analyses/read.ts'
export { createAnalysisRuns, type AnalysisRuns } from './analyses/runs.ts'
export { changeCollection, deleteCollection } from './collections/change.ts'
export { createCollection } from './collections/create.ts'
export { addCollectionMember, removeCollectionMember } from './collections/members.ts'
export { getCollection, listCollections } from './collections/read.ts'
export { createChangeHub, type ChangeHub } from './changes.ts'
export type { Changes, ServiceContext, ServiceDependencies } from './context.ts'
export { openCredentials, openPersonalCredentials } from './credentials.ts'
export { callTool } from './deployments/call-tool.ts'
export { deleteDeployment, restartDeployment, startDeployment, stopDeployment } from './deployments/change.ts'
export { createDeployment } from './deployments/create.ts'
export { exportDeployment, exportWithSecrets } from './deployment-file/export.ts'
export { importDeployment } from './deployment-file/import.ts'
export { getCatalogue, getDeployment, listDeployments } from './deployments/read.ts'
export { getInstallation } from './installation.ts'
export { changeSettings, getSettings } from './deployments/settings.ts'
export { changeTool } from './tools/change.ts'
export { decideAboutTool } from './tools/decide.ts'
export { listTools } from './tools/list.ts'
export { noteOffers } from './tools/note-offers.ts'
export { noteTools } from './tools/note.ts'
export { setToolPinning } from './tools/pinning.ts'
export { streamFeed, type FeedItem } from './logs/feed.ts'
export { listEvents, listLogs } from './logs/read.ts'
export { createDoctor } from './doctor/examine.ts'
export { createKeyAdministration } from './keys/administration.ts'
export { createRotator, type Rotator } from './keys/rotation.ts'
export { keyCheckStore, ownSecret } from './keys/store.ts'
export { createOAuthClient, deleteOAuthClient, listOAuthClients } from './connections/clients.ts'
export {
  listConnections,
  listOwnConnections,
  revokeConnection,
  revokeOwnConnection,
} from './connections/connections.ts'
export { createLogWriter, type BatchedLogWriter } from './logs/writer.ts'
export {
  bringOwnCredentials,
  getOwnCredentials,
  listOwnCredentials,
  withdrawOwnCredentials,
} from './own-credentials.ts'
export { noticeAddress } from './notices/address.ts'
export {
  changeNoticeChannel,
  createNoticeChannel,
  deleteNoticeChannel,
  listNoticeChannels,
  listNotices,
  renewNoticeSecret,
  testNoticeChannel,
} from './notices/channels.ts'
export { compareReleases } from './releases/compare.ts'
export { createRelease } from './releases/create.ts'
export { listReleases } from './releases/list.ts'
export { checkUpdate, getUpdate, listUpdates, skipUpdate } from './releases/update.ts'
export { listRegistryServers } from './registry/search.ts'
export { listRegistries } from './registry/state.ts'
export { syncRegistries } from './registry/sync.ts'
export { createSessionMemories, type SessionMemories } from './session-memories.ts'
export { changeWorkspaceSettings } from './workspace-settings/change.ts'
export { openWorkspaceSettings } from './workspace-settings/open.ts'
export { listWorkspaceSettings } from './workspace-settings/read.ts'
export { changeToken } from './tokens/change.ts'
export { createToken } from './tokens/create.ts'
export { changeQuotas, getQuotas } from './quotas.ts'
export { getCost } from './usage/cost.ts'
export { getUsage } from './usage/read.ts'
export { listTokens } from './tokens/list.ts'
export { rotateToken } from './tokens/rotate.ts'
export { revokeToken } from './tokens/revoke.ts'
