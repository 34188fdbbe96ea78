import { createApiClient, type RouteInput, type RouteOutput } from '../../../src/contract/index.ts'
import { chosenWorkspace } from './workspace.ts'

export {
  accountSchemas,
  API_SCOPES,
  ApiError,
  claudeCodeLine,
  cursorLink,
  mcpServersJson,
  passkeyName,
  schemas,
  SIGN_IN_STEPS,
  TOKEN_PLACEHOLDER,
  vsCodeJson,
  vsCodeLink,
  type ApiScope,
  type ConnectTarget,
} from '../../../src/contract/index.ts'

/** The API on the page's own origin, signed in by its cookie. */
export const api = createApiClient({ origin: '', workspace: chosenWorkspace })

export type Analysis = RouteOutput<'createAnalysis'>
export type RunStep = RouteOutput<'startAnalysis'>['steps'][number]
export type AuditEntry = RouteOutput<'listAudit'>['items'][number]
export type AuthorizationQuestion = RouteOutput<'lookAtAuthorization'>
export type Connection = RouteOutput<'listConnections'>['items'][number]
export type OAuthClient = RouteOutput<'listOAuthClients'>['items'][number]
export type NewOAuthClient = RouteOutput<'createOAuthClient'>
export type SignInCheck = RouteOutput<'checkSignIn'>['items'][number]
export type ApiKey = RouteOutput<'listApiKeys'>['items'][number]
export type WorkspaceSetting = RouteOutput<'listWorkspaceSettings'>['items'][number]
export type WorkspaceSettingValues = RouteInput<'changeWorkspaceSettings'>['body']['values']
export type Finding = RouteOutput<'getDoctor'>['items'][number]
export type Invitation = RouteOutput<'listInvitations'>['items'][number]
export type Member = RouteOutput<'listMembers'>['items'][number]
export type RegistryServer = RouteOutput<'listRegistryServers'>['items'][number]
export type RegistryState = RouteOutput<'listRegistries'>['items'][number]
export type Role = Member['role']
export type Collection = RouteOutput<'getCollection'>
export type CallResult = RouteOutput<'callTool'>
export type Catalogue = RouteOutput<'getCatalogue'>
export type CreateDeployment = RouteInput<'createDeployment'>['body']
export type CreateRelease = RouteInput<'createRelease'>['body']
export type Deployment = RouteOutput<'getDeployment'>
export type DeploymentEvent = RouteOutput<'listEvents'>['items'][number]
export type DeploymentState = Deployment['state']
export type AccessMode = RouteOutput<'getSettings'>['access']
export type EndpointToken = RouteOutput<'listTokens'>['items'][number]
export type Installation = RouteOutput<'getInstallation'>
export type LogLine = RouteOutput<'listLogs'>['items'][number]
export type Me = RouteOutput<'getMe'>
export type NewEndpointToken = RouteOutput<'createToken'>
export type Account = RouteOutput<'listAccounts'>['items'][number]
export type AccountProvider = RouteOutput<'putAccountProvider'>
export type OwnCredentials = RouteOutput<'getOwnCredentials'>
export type Release = RouteOutput<'listReleases'>['items'][number]
export type ReleaseChanges = RouteOutput<'compareReleases'>
export type SignInWays = RouteOutput<'getSignInWays'>
export type SignUpFacts = RouteOutput<'getSignUp'>
export type Tool = Catalogue['tools'][number]
export type NoticeChannel = RouteOutput<'listNoticeChannels'>['items'][number]
export type NoticeDelivery = RouteOutput<'listNotices'>['items'][number]
export type NoticeKind = NoticeChannel['notices'][number]
export type Update = RouteOutput<'getUpdate'>
export type ToolListing = RouteOutput<'listTools'>
export type ToolItem = ToolListing['items'][number]
