import type { Handlers, RequestContext } from '../api/index.ts'
import type { PackageIndex } from '../domain/index.ts'
import * as services from '../services/index.ts'

/** Binds every use case to what it relies on, as the API's handlers. */
// The type is made of the use cases' own, so it is inferred.
// eslint-disable-next-line typescript/explicit-module-boundary-types
export function bindServices({
  packages,
  ...dependencies
}: Omit<services.ServiceDependencies, 'packages'> & {
  readonly packages: (workspaceId: string) => PackageIndex
}) {
  const bind =
    <I, O>(service: (ctx: services.ServiceContext & RequestContext, input: I) => Promise<O>) =>
    (request: RequestContext, input: I): Promise<O> =>
      service({ ...dependencies, packages: packages(request.actor.workspaceId), ...request }, input)
  return {
    listWorkspaceSettings: bind(services.listWorkspaceSettings),
    changeWorkspaceSettings: bind(services.changeWorkspaceSettings),
    getInstallation: bind(services.getInstallation),
    listAudit: bind(services.listAudit),
    verifyAudit: bind(services.verifyAudit),
    createAnalysis: bind(services.createAnalysis),
    startAnalysis: bind(services.startAnalysis),
    getAnalysis: bind(services.getAnalysis),
    streamAnalysis: bind(services.streamAnalysis),
    clearAnalyses: bind(services.clearAnalyses),
    listRegistryServers: bind(services.listRegistryServers),
    listRegistries: bind(services.listRegistries),
    syncRegistries: bind(services.syncRegistries),
    listDeployments: bind(services.listDeployments),
    createDeployment: bind(services.createDeployment),
    getDeployment: bind(services.getDeployment),
    exportDeployment: bind(services.exportDeployment),
    exportWithSecrets: bind(services.exportWithSecrets),
    importDeployment: bind(services.importDeployment),
    stopDeployment: bind(services.stopDeployment),
    startDeployment: bind(services.startDeployment),
    restartDeployment: bind(services.restartDeployment),
    deleteDeployment: bind(services.deleteDeployment),
    listCollections: bind(services.listCollections),
    createCollection: bind(services.createCollection),
    getCollection: bind(services.getCollection),
    changeCollection: bind(services.changeCollection),
    deleteCollection: bind(services.deleteCollection),
    addCollectionMember: bind(services.addCollectionMember),
    removeCollectionMember: bind(services.removeCollectionMember),
    listReleases: bind(services.listReleases),
    createRelease: bind(services.createRelease),
    compareReleases: bind(services.compareReleases),
    getUpdate: bind(services.getUpdate),
    getCatalogue: bind(services.getCatalogue),
    callTool: bind(services.callTool),
    listTools: bind(services.listTools),
    changeTool: bind(services.changeTool),
    decideAboutTool: bind(services.decideAboutTool),
    setToolPinning: bind(services.setToolPinning),
    getSettings: bind(services.getSettings),
    changeSettings: bind(services.changeSettings),
    getQuotas: bind(services.getQuotas),
    changeQuotas: bind(services.changeQuotas),
    getUsage: bind(services.getUsage),
    getCost: bind(services.getCost),
    listCalls: bind(services.listCalls),
    listEvents: bind(services.listEvents),
    listLogs: bind(services.listLogs),
    streamFeed: bind(services.streamFeed),
    listTokens: bind(services.listTokens),
    createToken: bind(services.createToken),
    changeToken: bind(services.changeToken),
    rotateToken: bind(services.rotateToken),
    revokeToken: bind(services.revokeToken),
    listConnections: bind(services.listConnections),
    revokeConnection: bind(services.revokeConnection),
    listOwnConnections: bind(services.listOwnConnections),
    revokeOwnConnection: bind(services.revokeOwnConnection),
    listAccountProviders: bind(services.listAccountProviders),
    putAccountProvider: bind(services.putAccountProvider),
    deleteAccountProvider: bind(services.deleteAccountProvider),
    listAccounts: bind(services.listAccounts),
    startAccount: bind(services.startAccount),
    finishAccount: bind(services.finishAccount),
    disconnectAccount: bind(services.disconnectAccount),
    listOwnCredentials: bind(services.listOwnCredentials),
    getOwnCredentials: bind(services.getOwnCredentials),
    bringOwnCredentials: bind(services.bringOwnCredentials),
    withdrawOwnCredentials: bind(services.withdrawOwnCredentials),
    listOAuthClients: bind(services.listOAuthClients),
    createOAuthClient: bind(services.createOAuthClient),
    deleteOAuthClient: bind(services.deleteOAuthClient),
  } satisfies Partial<Handlers>
}
