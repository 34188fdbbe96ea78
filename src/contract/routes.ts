import { z } from 'zod'
import { accountProviderRoutes } from './account-provider-routes.ts'
import { noticeRoutes } from './notice-routes.ts'
import { accountRoutes } from './account-routes.ts'
import * as f from './deployment-file.ts'
import { collectionRoutes } from './collection-routes.ts'
import { deviceRoutes } from './device-routes.ts'
import { oauthRoutes } from './oauth-routes.ts'
import { ownCredentialRoutes } from './own-credential-routes.ts'
import { signInRoutes } from './sign-in-routes.ts'
import * as s from './schemas.ts'
import * as t from './tool-schemas.ts'
import type { RouteScope } from './api-scopes.ts'

export type Route = RouteOfAnybody | RouteOfSome

interface RouteOfAnybody extends RouteBase {
  readonly access: 'public'
}

interface RouteOfSome extends RouteBase {
  /** The role of the workspace that it needs at least, or an admin of the installation. */
  readonly access: 'viewer' | 'member' | 'admin' | 'owner' | 'installation'
  /** What it asks of an API key that is held to scopes. */
  readonly scope: RouteScope
}

interface RouteBase {
  readonly method: 'get' | 'post' | 'delete'
  /** Below `/api/v1`, parameters as `{id}`. */
  readonly path: `/${string}`
  readonly summary: string
  readonly query?: z.ZodObject
  readonly body?: z.ZodType
  readonly status: 200 | 201 | 202 | 204
  readonly response: z.ZodType
  /** Public, and asked again and again by one caller; so it is not counted as an attempt at a secret, only as a request. */
  readonly isRepeated?: true
  /** An event stream: `response` is the schema of one event's data, keyed by the event's name. */
  readonly stream?: true
}

const list = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item) })

const page = z.object({
  after: z
    .string()
    .regex(/^\d{1,18}$/)
    .optional()
    .describe('Only what came after the item with this id'),
  limit: z.coerce.number().int().min(1).max(1000).default(200),
})

const range = z.object({
  deployment: z.string().max(64).optional().describe('Id or slug; all of the workspace unless given'),
  since: z.iso.datetime().optional().describe('Seven days ago unless given'),
  until: z.iso.datetime().optional(),
})

/** Every route of the REST API. The server, the OpenAPI document, the CLI and the dashboard are made from it. */
export const routes = {
  ...accountProviderRoutes,
  ...noticeRoutes,
  ...accountRoutes,
  ...collectionRoutes,
  ...deviceRoutes,
  ...oauthRoutes,
  ...ownCredentialRoutes,
  ...signInRoutes,
  getInstallation: {
    method: 'get',
    path: '/installation',
    summary: 'What this installation is and can do',
    access: 'viewer',
    scope: 'any',
    status: 200,
    response: s.Installation,
  },
  getSetUp: {
    method: 'get',
    path: '/setup',
    summary: 'Whether an owner account is still to be made',
    access: 'public',
    status: 200,
    response: z.object({ needed: z.boolean() }),
  },
  setUp: {
    method: 'post',
    path: '/setup',
    summary: 'Make the owner account with a set-up link; signs in by cookie',
    access: 'public',
    body: s.SetUp,
    status: 201,
    response: s.Me,
  },
  createSetUpLink: {
    method: 'post',
    path: '/setup-links',
    summary: 'Make a new set-up link; the former one dies',
    access: 'owner',
    scope: 'full',
    status: 201,
    response: s.SetUpLink,
  },
  getMe: {
    method: 'get',
    path: '/me',
    summary: 'Who is asking, in which workspace',
    access: 'viewer',
    scope: 'any',
    status: 200,
    response: s.Me,
  },

  listAudit: {
    method: 'get',
    path: '/audit',
    summary: 'Who did what in the workspace, newest first',
    access: 'admin',
    scope: 'audit:read',
    query: s.AuditQuery,
    status: 200,
    response: list(s.AuditEntry),
  },
  verifyAudit: {
    method: 'get',
    path: '/audit/verification',
    summary: 'Go through the whole audit chain and tell where it does not hold',
    access: 'installation',
    scope: 'audit:read',
    status: 200,
    response: s.AuditVerification,
  },
  listWorkspaceSettings: {
    method: 'get',
    path: '/workspace/settings',
    summary: 'The keys and tokens of the workspace for services outside, masked',
    access: 'admin',
    scope: 'settings:read',
    status: 200,
    response: list(s.WorkspaceSetting),
  },
  changeWorkspaceSettings: {
    method: 'post',
    path: '/workspace/settings',
    summary:
      'Set keys and tokens, or take them away. Each is checked against its service before any is saved',
    access: 'admin',
    scope: 'settings:write',
    body: s.ChangeWorkspaceSettings,
    status: 200,
    response: list(s.WorkspaceSetting),
  },
  getDoctor: {
    method: 'get',
    path: '/doctor',
    summary: 'What is wrong with the installation, with the fix of each',
    access: 'installation',
    scope: 'installation:read',
    status: 200,
    response: s.Doctor,
  },
  getKeys: {
    method: 'get',
    path: '/keys',
    summary: 'Master keys, what is under each, and how far a rotation is',
    access: 'installation',
    scope: 'installation:read',
    status: 200,
    response: s.Keys,
  },
  addKey: {
    method: 'post',
    path: '/keys',
    summary: 'Make a new master key; what is new is encrypted under it',
    access: 'installation',
    scope: 'installation:write',
    status: 201,
    response: s.Keys,
  },
  rotateKeys: {
    method: 'post',
    path: '/key-rotations',
    summary: 'Encrypt everything anew under the newest master key, in the background',
    access: 'installation',
    scope: 'installation:write',
    status: 202,
    response: s.Keys,
  },
  retireKey: {
    method: 'delete',
    path: '/keys/{id}',
    summary: 'Forget a master key that nothing is under any more',
    access: 'installation',
    scope: 'installation:write',
    status: 200,
    response: s.Keys,
  },

  createAnalysis: {
    method: 'post',
    path: '/analyses',
    summary: 'Find out what a source is, and wait for the answer; ends when the caller leaves',
    access: 'member',
    scope: 'deployments:write',
    body: s.CreateAnalysis,
    status: 200,
    response: s.Analysis,
  },
  startAnalysis: {
    method: 'post',
    path: '/analysis-runs',
    summary: 'The same without waiting; follow it by its feed. Ends when nobody follows it',
    access: 'member',
    scope: 'deployments:write',
    body: s.CreateAnalysis,
    status: 202,
    response: s.AnalysisRun,
  },
  getAnalysis: {
    method: 'get',
    path: '/analyses/{id}',
    summary: 'How far an analysis is, and what it found',
    access: 'member',
    scope: 'deployments:write',
    status: 200,
    response: s.AnalysisRun,
  },
  streamAnalysis: {
    method: 'get',
    path: '/analyses/{id}/feed',
    summary: 'Live: each step when it begins and ends, then the analysis or the error',
    access: 'member',
    scope: 'deployments:write',
    status: 200,
    stream: true,
    response: z.object({ step: s.AnalysisStep, analysis: s.Analysis, failed: s.ErrorBody }).partial(),
  },
  clearAnalyses: {
    method: 'delete',
    path: '/analyses',
    summary: 'Forget what was found out about a source, or without one about all',
    access: 'member',
    scope: 'deployments:write',
    query: z.object({ source: z.string().min(1).max(65_536).optional() }),
    status: 200,
    response: z.object({ deleted: z.number().int() }),
  },

  listRegistryServers: {
    method: 'get',
    path: '/registry/servers',
    summary:
      'Servers that the public registries list, from the copy that is kept here; best first, or newest',
    access: 'viewer',
    scope: 'deployments:read',
    query: z.object({
      q: z
        .string()
        .max(500)
        .default('')
        .describe('Words, "a phrase", -without; also the beginnings of words'),
      cursor: z.string().max(1000).optional().describe('Of the page before'),
      limit: z.coerce.number().int().min(1).max(100).default(20),
    }),
    status: 200,
    response: z.object({
      items: z.array(s.RegistryServer),
      cursor: z.string().nullable().describe('Of the next page, null when there is none'),
      registries: z.array(s.RegistryState).describe('How fresh the copy is; empty when none is configured'),
    }),
  },
  listRegistries: {
    method: 'get',
    path: '/registry/sources',
    summary: 'The public registries that are copied, and how fresh each copy is',
    access: 'viewer',
    scope: 'deployments:read',
    status: 200,
    response: list(s.RegistryState),
  },
  syncRegistries: {
    method: 'post',
    path: '/registry/syncs',
    summary: 'Ask the public registries now what changed, in the background',
    access: 'installation',
    scope: 'installation:write',
    status: 202,
    response: list(s.RegistryState),
  },

  listDeployments: {
    method: 'get',
    path: '/deployments',
    summary: 'All deployments of the workspace, newest first',
    access: 'viewer',
    scope: 'deployments:read',
    status: 200,
    response: list(s.Deployment),
  },
  createDeployment: {
    method: 'post',
    path: '/deployments',
    summary: 'Deploy a server',
    access: 'member',
    scope: 'deployments:write',
    body: s.CreateDeployment,
    status: 201,
    response: s.CreatedDeployment,
  },
  getDeployment: {
    method: 'get',
    path: '/deployments/{id}',
    summary: 'One deployment, by id or slug',
    access: 'viewer',
    scope: 'deployments:read',
    status: 200,
    response: s.Deployment,
  },
  stopDeployment: {
    method: 'post',
    path: '/deployments/{id}/stop',
    summary: 'End its instances; the endpoint answers 503',
    access: 'member',
    scope: 'deployments:write',
    status: 200,
    response: s.Deployment,
  },
  startDeployment: {
    method: 'post',
    path: '/deployments/{id}/start',
    summary: 'Start it again; a failed one is tried again',
    access: 'member',
    scope: 'deployments:write',
    status: 200,
    response: s.Deployment,
  },
  restartDeployment: {
    method: 'post',
    path: '/deployments/{id}/restart',
    summary: 'End its instances and start new ones',
    access: 'member',
    scope: 'deployments:write',
    status: 200,
    response: s.Deployment,
  },
  deleteDeployment: {
    method: 'delete',
    path: '/deployments/{id}',
    summary: 'Delete it and everything it has, credentials first',
    access: 'member',
    scope: 'deployments:write',
    status: 202,
    response: s.Deployment,
  },

  exportDeployment: {
    method: 'get',
    path: '/deployments/{id}/export',
    summary: 'The deployment as a file to import elsewhere, without the values that it is given',
    access: 'member',
    scope: 'deployments:read',
    status: 200,
    response: f.DeploymentFile,
  },
  exportWithSecrets: {
    method: 'post',
    path: '/deployments/{id}/export',
    summary: 'The same with the values, encrypted under a passphrase',
    access: 'admin',
    scope: 'credentials:read',
    body: f.ExportWithSecrets,
    status: 200,
    response: f.DeploymentFile,
  },
  importDeployment: {
    method: 'post',
    path: '/imports',
    summary: 'Deploy what an export gave; what it was made from is looked up again',
    access: 'member',
    scope: 'deployments:write',
    body: f.ImportDeployment,
    status: 201,
    response: f.ImportedDeployment,
  },
  getSettings: {
    method: 'get',
    path: '/deployments/{id}/settings',
    summary: 'What can be changed of the endpoint without a new release',
    access: 'viewer',
    scope: 'deployments:read',
    status: 200,
    response: s.EndpointSettings,
  },
  changeSettings: {
    method: 'post',
    path: '/deployments/{id}/settings',
    summary: 'Change settings of the endpoint; what is left out stays',
    access: 'member',
    scope: 'deployments:write',
    body: s.ChangeEndpointSettings,
    status: 200,
    response: s.EndpointSettings,
  },
  listReleases: {
    method: 'get',
    path: '/deployments/{id}/releases',
    summary: 'Releases, newest first',
    access: 'viewer',
    scope: 'deployments:read',
    status: 200,
    response: list(s.Release),
  },
  createRelease: {
    method: 'post',
    path: '/deployments/{id}/releases',
    summary:
      'Make a new release: another version, other variables or settings, or an old release again. The one that serves goes on until the new one answers',
    access: 'member',
    scope: 'deployments:write',
    body: s.CreateRelease,
    status: 201,
    response: s.Deployment,
  },
  compareReleases: {
    method: 'get',
    path: '/deployments/{id}/releases/{number}/changes',
    summary: 'How a release differs from an earlier one',
    access: 'viewer',
    scope: 'deployments:read',
    query: z.object({
      since: z.coerce
        .number()
        .int()
        .positive()
        .optional()
        .describe('Default: the one that was live before it'),
    }),
    status: 200,
    response: s.ReleaseChanges,
  },
  getUpdate: {
    method: 'get',
    path: '/deployments/{id}/update',
    summary: 'What is known of a newer version, and what it would change',
    access: 'viewer',
    scope: 'deployments:read',
    status: 200,
    response: s.Update,
  },
  checkUpdate: {
    method: 'post',
    path: '/deployments/{id}/update/check',
    summary:
      'Look for a newer version now, and try it out in the sandbox when there is one. Answers at once; ask again until the phase is idle',
    access: 'member',
    scope: 'deployments:write',
    status: 202,
    response: s.Update,
  },
  skipUpdate: {
    method: 'post',
    path: '/deployments/{id}/update/skip',
    summary: 'Leave the version that is available out',
    access: 'member',
    scope: 'deployments:write',
    body: s.SkipUpdate,
    status: 200,
    response: s.Update,
  },
  listUpdates: {
    method: 'get',
    path: '/updates',
    summary: 'Deployments for which a newer version is known',
    access: 'viewer',
    scope: 'deployments:read',
    status: 200,
    response: list(s.AvailableUpdate),
  },
  getCatalogue: {
    method: 'get',
    path: '/deployments/{id}/catalogue',
    summary: 'Tools, resources and prompts of the live release',
    access: 'viewer',
    scope: 'deployments:read',
    status: 200,
    response: s.Catalogue,
  },
  listTools: {
    method: 'get',
    path: '/deployments/{id}/tools',
    summary: 'Tools with what is set for each, and those that are not as they were approved',
    access: 'viewer',
    scope: 'deployments:read',
    status: 200,
    response: t.Tools,
  },
  changeTool: {
    method: 'post',
    path: '/deployments/{id}/tools',
    summary: 'Switch a tool on or off, or give it another name or other words; what is left out stays',
    access: 'member',
    scope: 'deployments:write',
    body: t.ChangeTool,
    status: 200,
    response: t.Tools,
  },
  decideAboutTool: {
    method: 'post',
    path: '/deployments/{id}/tool-decisions',
    summary: 'Accept the definition that a running server changed, or keep the tool stopped',
    access: 'member',
    scope: 'deployments:write',
    body: t.DecideAboutTool,
    status: 200,
    response: t.Tools,
  },
  setToolPinning: {
    method: 'post',
    path: '/deployments/{id}/tool-pinning',
    summary: 'Which tools are stopped when a running server changes them without a new release',
    access: 'member',
    scope: 'deployments:write',
    body: t.SetToolPinning,
    status: 200,
    response: t.Tools,
  },
  callTool: {
    method: 'post',
    path: '/deployments/{id}/calls',
    summary: 'Call a tool as the one who is signed in',
    access: 'member',
    scope: 'tools:call',
    body: s.CallTool,
    status: 200,
    response: s.CallResult,
  },

  listCalls: {
    method: 'get',
    path: '/calls',
    summary: 'Who called what, newest first; what happened in the last seconds may be missing',
    access: 'viewer',
    scope: 'calls:read',
    query: z.object({
      deployment: z.string().max(64).optional().describe('Id or slug'),
      token: z.string().max(80).optional().describe('Id or name of an endpoint token'),
      tool: z.string().max(256).optional().describe('Name of the tool, prompt or resource'),
      subject: z.string().max(254).optional().describe('Id of who called, or address of the person behind'),
      outcome: s.CallOutcome.optional(),
      since: z.iso.datetime().optional(),
      until: z.iso.datetime().optional(),
      before: z
        .string()
        .regex(/^\d{1,18}$/)
        .optional()
        .describe('Only what came before the call with this id'),
      limit: z.coerce.number().int().min(1).max(1000).default(100),
    }),
    status: 200,
    response: z.object({
      items: z.array(s.Call),
      before: z.string().nullable().describe('Cursor of the next page, null when there is none'),
    }),
  },
  getUsage: {
    method: 'get',
    path: '/usage',
    summary: 'Calls, errors and latency: in all, over time, and by what was called or by whom',
    access: 'viewer',
    scope: 'calls:read',
    query: range.extend({
      by: z
        .enum(['tool', 'token', 'subject', 'deployment'])
        .optional()
        .describe('tool for one deployment and deployment for all, unless given'),
      step: z.enum(['minute', 'hour', 'day']).optional().describe('Made to fit the range unless given'),
    }),
    status: 200,
    response: s.Usage,
  },
  getCost: {
    method: 'get',
    path: '/cost',
    summary:
      'How long deployments were awake with how much memory, and what that costs where there is a price',
    access: 'viewer',
    scope: 'calls:read',
    query: range,
    status: 200,
    response: list(s.CostItem).extend({ since: z.string(), until: z.string() }),
  },
  getQuotas: {
    method: 'get',
    path: '/quotas',
    summary: 'What the workspace may use, and uses',
    access: 'viewer',
    scope: 'calls:read',
    status: 200,
    response: s.Quotas,
  },
  changeQuotas: {
    method: 'post',
    path: '/workspaces/{id}/quotas',
    summary: 'Set what a workspace may use',
    access: 'installation',
    scope: 'installation:write',
    body: s.ChangeQuotas,
    status: 200,
    response: s.Quotas,
  },
  listEvents: {
    method: 'get',
    path: '/deployments/{id}/events',
    summary: 'What happened, oldest first',
    access: 'viewer',
    scope: 'logs:read',
    query: page,
    status: 200,
    response: list(s.Event),
  },
  listLogs: {
    method: 'get',
    path: '/deployments/{id}/logs',
    summary: 'Log lines, oldest first; without `after` the last ones that are like what was asked for',
    access: 'viewer',
    scope: 'logs:read',
    query: page.extend({
      before: z
        .string()
        .regex(/^\d{1,18}$/)
        .optional()
        .describe('Only what came before the line with this id'),
      search: z.string().min(1).max(200).optional().describe('Part of the line, in any case'),
      stream: z
        .enum(['stdout', 'stderr', 'system', 'program'])
        .optional()
        .describe('program: stdout and stderr, what the server and its installation wrote'),
      since: z.iso.datetime().optional(),
      until: z.iso.datetime().optional(),
      release: z.coerce.number().int().positive().max(2_147_483_647).optional().describe('Its number'),
      instance: z.string().max(64).optional().describe('Id of an instance'),
    }),
    status: 200,
    response: z.object({
      items: z.array(s.LogLine),
      before: z
        .string()
        .nullable()
        .describe(
          'Cursor of the page before, null when there is none or `after` was given. A page may have fewer lines than asked for, or none, and still have one before it',
        ),
    }),
  },
  streamFeed: {
    method: 'get',
    path: '/deployments/{id}/feed',
    summary:
      'Live: the deployment at each change, events and log lines; starts with all events and the last 200 lines, resumes by Last-Event-ID. Ends with `deleted`',
    access: 'viewer',
    scope: 'logs:read',
    status: 200,
    stream: true,
    response: z
      .object({
        deployment: s.Deployment,
        event: s.Event,
        log: s.LogLine,
        deleted: z.object({ id: z.string() }),
      })
      .partial(),
  },

  listTokens: {
    method: 'get',
    path: '/deployments/{id}/tokens',
    summary: 'Endpoint tokens',
    access: 'member',
    scope: 'tokens:read',
    status: 200,
    response: list(s.EndpointToken),
  },
  createToken: {
    method: 'post',
    path: '/deployments/{id}/tokens',
    summary: 'Add an endpoint token',
    access: 'member',
    scope: 'tokens:write',
    body: s.CreateToken,
    status: 201,
    response: s.NewEndpointToken,
  },
  changeToken: {
    method: 'post',
    path: '/deployments/{id}/tokens/{tokenId}',
    summary: 'Change the name of an endpoint token, or what it may at most',
    access: 'member',
    scope: 'tokens:write',
    body: s.ChangeToken,
    status: 200,
    response: s.EndpointToken,
  },
  rotateToken: {
    method: 'post',
    path: '/deployments/{id}/tokens/{tokenId}/rotation',
    summary: 'Replace an endpoint token; the former one works on for a grace time',
    access: 'member',
    scope: 'tokens:write',
    body: s.RotateToken,
    status: 201,
    response: s.NewEndpointToken,
  },
  revokeToken: {
    method: 'delete',
    path: '/deployments/{id}/tokens/{tokenId}',
    summary: 'Revoke an endpoint token',
    access: 'member',
    scope: 'tokens:write',
    status: 204,
    response: z.null(),
  },
} as const satisfies Record<string, Route>

export type Routes = typeof routes
export type RouteName = keyof Routes

type ParamNames<P extends string> = P extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParamNames<Rest>
  : never

/** What a caller gives to a route: path parameters, query and body, each only where the route has them. */
export type RouteInput<N extends RouteName> = (ParamNames<Routes[N]['path']> extends never
  ? unknown
  : { params: Record<ParamNames<Routes[N]['path']>, string> }) &
  (Routes[N] extends { query: infer Q extends z.ZodType } ? { query?: z.input<Q> } : unknown) &
  (Routes[N] extends { body: infer B extends z.ZodType } ? { body: z.input<B> } : unknown)

/** What the server answers with. */
export type RouteOutput<N extends RouteName> = z.output<Routes[N]['response']>

/** What a handler gets: the same as RouteInput after parsing, defaults filled in. */
export type ParsedInput<N extends RouteName> = (ParamNames<Routes[N]['path']> extends never
  ? unknown
  : { params: Record<ParamNames<Routes[N]['path']>, string> }) &
  (Routes[N] extends { query: infer Q extends z.ZodType } ? { query: z.output<Q> } : unknown) &
  (Routes[N] extends { body: infer B extends z.ZodType } ? { body: z.output<B> } : unknown)
