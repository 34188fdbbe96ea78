import { z } from 'zod'
import { NetworkPolicy } from './network-policy.ts'

const timestamp = z.iso.datetime().describe('RFC 3339, UTC')

const runtimeKind = z.enum(['local', 'docker', 'fly', 'kubernetes', 'remote'])

export const DeploymentState = z
  .enum(['deploying', 'running', 'sleeping', 'unhealthy', 'stopped', 'failed', 'deleting'])
  .meta({ id: 'DeploymentState' })

export const ReleaseState = z
  .enum(['pending', 'installing', 'starting', 'probing', 'live', 'superseded', 'failed'])
  .meta({ id: 'ReleaseState' })

export const ErrorBody = z
  .object({
    error: z.string().describe('Stable code; each has a section in the troubleshooting page'),
    message: z.string(),
    help: z.string(),
    docs: z.string().describe('Path of the section that explains the code'),
    requestId: z.string().optional(),
    details: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: 'Error' })

const figures = {
  calls: z.number().int(),
  errors: z.number().int().describe('Calls that did not succeed, but for those that were cancelled'),
  p50Ms: z.number().nullable().describe('Half of the calls took no longer; null without calls'),
  p95Ms: z.number().nullable(),
  p99Ms: z.number().nullable(),
}

export const Usage = z
  .object({
    since: timestamp.describe('Begin of the first step'),
    until: timestamp,
    step: z.enum(['minute', 'hour', 'day']),
    by: z.enum(['tool', 'token', 'subject', 'deployment']),
    total: z.object(figures),
    series: z.array(z.object({ at: timestamp.describe('Begin of the step'), ...figures })),
    groups: z
      .array(z.object({ key: z.string(), label: z.string(), ...figures }))
      .describe('The 100 that were called most'),
  })
  .meta({ id: 'Usage' })

const quota = z.object({
  limit: z.number().int().nullable().describe('null for none'),
  own: z.boolean().describe('Whether it is set for this workspace; otherwise it is that of every one'),
  used: z.number().int().nullable().describe('null where it is counted on each replica'),
})

export const Quotas = z
  .object({
    deployments: quota,
    memoryMiB: quota.describe('Of all deployments together, asleep or not'),
    callsPerMinute: quota.describe('On each replica'),
    concurrentCalls: quota.describe('Under way at once, on each replica'),
  })
  .meta({ id: 'Quotas' })

const ownQuota = z.number().int().min(0).max(1_000_000_000).nullable().optional()

export const ChangeQuotas = z
  .strictObject({
    deployments: ownQuota,
    memoryMiB: ownQuota,
    callsPerMinute: ownQuota,
    concurrentCalls: ownQuota,
  })
  .describe('0: no limit; null: as for every workspace; absent: as it is')
  .meta({ id: 'ChangeQuotas' })

export const CostItem = z
  .object({
    deployment: z.object({ id: z.string(), slug: z.string(), name: z.string() }),
    runtime: runtimeKind,
    calls: z.number().int().describe('Of the deployment, wherever it ran'),
    awakeHours: z.number(),
    gibHours: z.number().describe('Memory limit times the time awake'),
    amount: z.number().nullable().describe('null where there is no price'),
    currency: z.string().nullable(),
    formula: z.string().describe('How it is reckoned, in words'),
  })
  .meta({ id: 'CostItem' })

export const LogLine = z
  .object({
    id: z.string().describe('Sorts by arrival; a cursor for `after`'),
    at: timestamp,
    stream: z.enum(['stdout', 'stderr', 'system']),
    line: z.string(),
    releaseId: z.string().nullable(),
    instanceId: z
      .string()
      .nullable()
      .describe('Whose process printed it; null for an installation and for Catwalk'),
  })
  .meta({ id: 'LogLine' })

export const ReleaseError = ErrorBody.omit({ requestId: true, details: true })
  .extend({
    exitCode: z.number().int().nullable(),
    signal: z.string().nullable(),
    lastLines: z
      .array(LogLine.pick({ at: true, stream: true, line: true }))
      .describe('Last output, oldest first'),
  })
  .meta({ id: 'ReleaseError' })

export const Release = z
  .object({
    id: z.string(),
    number: z.number().int().positive(),
    state: ReleaseState,
    package: z.object({
      kind: z.enum(['npm', 'pypi', 'git', 'mcpb', 'oci', 'remote']),
      name: z.string(),
      version: z
        .string()
        .describe(
          'Exact; of a repository the beginning of the commit, of an image that of its digest, of a remote server empty',
        ),
      integrity: z.string().nullable().describe('Subresource integrity, where the index publishes it'),
    }),
    args: z.array(z.string()).describe('All of them, those of the owner last'),
    userArgs: z.array(z.string()).describe('Those that the owner gave; what is secret in them is hidden'),
    variables: z
      .array(
        z.object({
          name: z.string(),
          hasValue: z.boolean(),
          personal: z.boolean().describe('Each member brings their own value'),
          account: z
            .object({ provider: z.string(), template: z.string() })
            .nullable()
            .describe(
              'Where it is the token of an account: the id of the provider, and what the server gets',
            ),
        }),
      )
      .describe('Values are never shown'),
    network: NetworkPolicy,
    memoryMiB: z.number().int(),
    runtime: runtimeKind,
    createdAt: timestamp,
    liveAt: timestamp.nullable(),
    error: ReleaseError.nullable(),
  })
  .meta({ id: 'Release' })

export const Deployment = z
  .object({
    id: z.string(),
    slug: z.string(),
    name: z.string(),
    source: z.string().describe('Canonical, e.g. npm:@scope/name@1.2.3'),
    runtime: runtimeKind.describe('Of the newest release'),
    state: DeploymentState,
    stateReason: z.string().nullable().describe('Why it is in this state, in words'),
    endpoint: z.url(),
    release: Release.describe('The newest release'),
    liveRelease: z.number().int().nullable().describe('Number of the release that serves'),
    toolCount: z.number().int().nullable(),
    update: z
      .string()
      .nullable()
      .describe('A newer version of what serves, unless it is skipped; null where none is known'),
    createdAt: timestamp,
    updatedAt: timestamp,
  })
  .meta({ id: 'Deployment' })

/** Of one token, on each replica. */
const TokenQuota = z.number().int().min(1).max(1_000_000).nullable()

export const EndpointToken = z
  .object({
    id: z.string(),
    name: z.string(),
    scope: z.enum(['read', 'full']).describe('read: lists, reads and prompts, but calls no tools'),
    prefix: z.string().describe('First characters, to recognise it by'),
    createdAt: timestamp,
    expiresAt: timestamp.nullable(),
    lastUsedAt: timestamp.nullable(),
    callsPerMinute: TokenQuota.describe('Requests a minute, on each replica; null is as every token'),
    concurrentCalls: TokenQuota.describe('Requests under way at once, likewise'),
    replacedBy: z.string().nullable().describe('Id of its successor; it works on until it expires'),
  })
  .meta({ id: 'EndpointToken' })

export const NewEndpointToken = EndpointToken.extend({
  secret: z.string().describe('The token itself. Shown this once; only its hash is stored'),
}).meta({ id: 'NewEndpointToken' })

export const Event = z
  .object({
    id: z.string().describe('Sorts by time; a cursor for `after`'),
    at: timestamp,
    kind: z
      .enum([
        'release.created',
        'release.state',
        'deployment.desired',
        'instance.ready',
        'instance.ended',
        'instance.restart',
        'instance.asleep',
        'instance.silent',
        'account.connected',
        'account.broken',
        'tools.sighted',
        'update.found',
        'node.lost',
      ])
      .describe('release.state carries data.state; instance.ended carries data.exitCode and data.signal'),
    message: z.string(),
    releaseId: z.string().nullable(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Event' })

const named = z.looseObject({ name: z.string(), description: z.string().optional() })

export const Catalogue = z
  .object({
    protocolVersion: z.string(),
    serverInfo: z.looseObject({ name: z.string().optional(), version: z.string().optional() }),
    instructions: z.string().nullable(),
    tools: z.array(named.extend({ inputSchema: z.unknown().optional() })),
    resources: z.array(z.looseObject({ uri: z.string(), name: z.string().optional() })),
    resourceTemplates: z.array(z.looseObject({ uriTemplate: z.string(), name: z.string().optional() })),
    prompts: z.array(named),
  })
  .describe('What the server offered when it was probed')
  .meta({ id: 'Catalogue' })

const evidence = z.array(
  z.object({
    file: z.string().describe('Path in the source, or the address that was asked'),
    line: z.number().int().describe('From 1'),
    reader: z.string().describe('What read it, e.g. readme-snippet'),
    text: z.string().optional().describe('The line itself, shortened'),
  }),
)

const Launch = z
  .object({
    package: z.object({
      registry: z.enum(['npm', 'pypi', 'oci', 'git', 'mcpb', 'remote']),
      name: z.string(),
      version: z.string().nullable(),
    }),
    command: z.string(),
    args: z.array(z.string()).describe('What makes it speak MCP; not what the user fills in'),
    transport: z.enum(['stdio', 'http']),
    port: z
      .object({ port: z.number().int(), path: z.string() })
      .optional()
      .describe('Where an image serves HTTP itself'),
    headers: z
      .array(z.object({ name: z.string(), value: z.string() }))
      .optional()
      .describe('What a remote server is sent; {NAME} stands for the value of a variable'),
    build: z
      .object({
        path: z.string().describe('Folder in the source'),
        program: z.discriminatedUnion('kind', [
          z.object({ kind: z.literal('node-executable'), name: z.string() }),
          z.object({ kind: z.literal('node-file'), path: z.string() }),
          z.object({
            kind: z.literal('python'),
            program: z.object({ kind: z.enum(['script', 'module']), name: z.string() }),
          }),
          z.object({ kind: z.literal('python-file'), path: z.string() }),
        ]),
      })
      .optional()
      .describe('What runs when it is built from the source; absent when it cannot be'),
  })
  .meta({ id: 'Launch' })

export const AnalysedVariable = z
  .object({
    name: z.string(),
    required: z.boolean(),
    secret: z.boolean(),
    default: z.string().nullable(),
    description: z.string().nullable(),
    format: z.enum(['text', 'url', 'path', 'file', 'json', 'number', 'boolean']),
    choices: z.array(z.string()).describe('The only values that are accepted; empty when any is'),
    helpUrl: z.string().nullable().describe('Where a person finds or makes the value'),
    confidence: z.number().describe('0 to 1'),
    evidence,
  })
  .meta({ id: 'AnalysedVariable' })

export const AnalysisWarning = z
  .object({
    code: z.string(),
    message: z.string(),
    confirm: z.boolean().describe('Deploying needs confirmWarnings'),
  })
  .meta({ id: 'AnalysisWarning' })

export const Analysis = z
  .object({
    id: z.string(),
    analysedAt: timestamp,
    durationMs: z.number().int(),
    cached: z.boolean().describe('Made earlier, of the same commit or version'),
    asked: z.string().describe('The source that was asked for, canonical. A snippet without its values'),
    name: z.string().describe('A suggested name'),
    slug: z.string().describe('A suggested endpoint'),
    source: z.object({
      kind: z.string(),
      url: z.string(),
      commit: z.string().nullable(),
      path: z.string(),
    }),
    verdict: z.enum(['deployable', 'needs_input', 'not_a_server', 'unsupported']),
    reason: z.string().nullable().describe('In words, why it is not deployable'),
    launch: Launch.nullable(),
    candidates: z
      .array(
        z.object({ name: z.string(), path: z.string(), launch: Launch, confidence: z.number(), evidence }),
      )
      .describe('All servers of the source when there is more than one; `server` chooses'),
    env: z.array(AnalysedVariable),
    requiredOneOf: z
      .array(z.array(z.array(z.string())))
      .describe('Groups of alternatives, each a list of names; an empty one means that nothing also does'),
    arguments: z.array(
      z.object({
        name: z.string(),
        position: z.number().int().nullable().describe('From 0; null for a flag'),
        required: z.boolean(),
        secret: z.boolean(),
        example: z.string().nullable(),
        description: z.string().nullable(),
        evidence,
      }),
    ),
    tools: z.array(z.looseObject({ name: z.string(), description: z.string().nullable() })),
    resources: z.array(z.record(z.string(), z.unknown())),
    prompts: z.array(z.record(z.string(), z.unknown())),
    proof: z
      .looseObject({
        booted: z.boolean(),
        era: z.enum(['legacy', 'modern', 'dual']).nullable(),
        protocolVersion: z.string().nullable(),
        initializeMs: z.number().nullable(),
        peakMemoryMiB: z.number().nullable(),
        neededPlaceholders: z.array(z.string()),
        hosts: z.array(z.string()).describe('host:port of what it tried to reach'),
        failure: z
          .object({ code: z.string(), message: z.string(), lastLines: z.array(z.string()) })
          .nullable(),
      })
      .nullable()
      .describe('What a trial start in the sandbox showed; null when it was not tried'),
    warnings: z.array(AnalysisWarning),
    model: z
      .object({
        provider: z.enum(['anthropic', 'openrouter']),
        model: z.string(),
        outcome: z.enum(['used', 'no_answer', 'refused', 'over_budget', 'timed_out']),
        inputTokens: z.number().int(),
        outputTokens: z.number().int(),
        costUsd: z.number().nullable(),
        detail: z.string().nullable(),
      })
      .nullable(),
    about: z
      .object({
        description: z.string().nullable(),
        license: z.string().nullable(),
        repository: z.string().nullable(),
        publishedAt: timestamp.nullable(),
        integrity: z.string().nullable(),
        unpackedBytes: z.number().int().nullable(),
        hasInstallScripts: z.boolean(),
        executables: z.array(z.string()),
      })
      .optional()
      .describe('What its publisher says of it'),
    snippet: z
      .object({
        server: z.string(),
        servers: z.array(z.string()),
        args: z.array(z.string()),
        env: z.array(z.string()).describe('Names that the snippet has values for'),
      })
      .nullable()
      .describe('Of a pasted snippet: which of its servers this is, and what it gives to it'),
  })
  .meta({ id: 'Analysis' })

export const AnalysisStep = z
  .object({
    step: z.enum(['fetching', 'reading', 'looking_up', 'booting', 'asking_model']),
    detail: z.string().nullable(),
    startedAt: timestamp,
    endedAt: timestamp.nullable(),
  })
  .meta({ id: 'AnalysisStep' })

export const AnalysisRun = z
  .object({
    id: z.string(),
    source: z.string(),
    state: z.enum(['running', 'done', 'failed']),
    steps: z.array(AnalysisStep),
    analysis: Analysis.nullable(),
    error: ErrorBody.nullable(),
  })
  .meta({ id: 'AnalysisRun' })

export const CreateAnalysis = z
  .strictObject({
    source: z
      .string()
      .min(1)
      .max(65_536)
      .describe(
        'A link, owner/name, npm:, pypi:, oci: or registry: name, remote address, snippet or command line',
      ),
    server: z.string().max(256).optional().describe('Which server, where the source has several'),
    fresh: z.boolean().default(false).describe('Analyse anew, whatever was kept'),
    boot: z.boolean().default(true).describe('Try it out in the sandbox'),
    model: z.boolean().default(true).describe('Ask the language model, if one is configured'),
  })
  .meta({ id: 'CreateAnalysis' })

export const Me = z
  .object({
    user: z
      .object({ id: z.string(), name: z.string(), email: z.string() })
      .nullable()
      .describe('null for an API key'),
    apiKey: z
      .object({ id: z.string(), name: z.string(), expiresAt: timestamp.nullable() })
      .nullable()
      .describe('null for a person'),
    workspace: z.object({ id: z.string(), name: z.string() }),
    role: z.enum(['viewer', 'member', 'admin', 'owner']),
    isInstallationAdmin: z.boolean().describe('Whether it may do what concerns the whole installation'),
  })
  .meta({ id: 'Me' })

export const Installation = z
  .object({
    version: z.string(),
    publicUrl: z.url(),
    reachable: z.enum(['this_machine', 'network']).describe('Who can reach the public URL as it is written'),
    runtimes: z
      .array(z.object({ kind: runtimeKind, ok: z.boolean(), detail: z.string(), fix: z.string().nullable() }))
      .describe('The first is where deployments run that choose none'),
    unsandboxed: z.boolean().describe('Servers run without a sandbox and can read every secret'),
  })
  .meta({ id: 'Installation' })

const AccountSources = z
  .record(
    z.string().min(1).max(256),
    z.strictObject({
      provider: z.string().min(1).max(64).describe('Id or name of a provider of the workspace'),
      template: z
        .string()
        .max(512)
        .default('{token}')
        .describe('What the server gets; {token} is the access token'),
    }),
  )
  .refine((sources) => Object.keys(sources).length <= 16, 'At most 16')

const PersonalNames = z.array(z.string().min(1).max(256)).max(32)

export const CreateDeployment = z
  .strictObject({
    source: z
      .string()
      .min(1)
      .max(65_536)
      .optional()
      .describe('Whatever analysis accepts; or give analysisId'),
    analysisId: z.string().max(64).optional().describe('Deploy just what this analysis found'),
    server: z.string().max(256).optional().describe('Which server, where the source has several'),
    name: z.string().trim().min(1).max(80).optional().describe('Default: made from the package'),
    slug: z
      .string()
      .regex(/^[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?$/, 'Lower-case letters, digits and hyphens; 48 at most')
      .optional()
      .describe('Default: made from the name. A number is added when it is taken and was not asked for'),
    variables: z
      .record(z.string().max(256), z.string())
      .default({})
      .describe('Environment; every value is kept as a credential'),
    files: z
      .record(z.string().max(256), z.string().max(1_048_576))
      .default({})
      .describe('Contents of files by variable: the server gets the path of a private copy'),
    arguments: z
      .record(z.string().max(256), z.string().max(4096))
      .default({})
      .describe('Values of arguments that the analysis names; every value is kept as a credential'),
    args: z.array(z.string().max(4096)).max(64).default([]).describe('Appended verbatim'),
    startArgs: z
      .array(z.string().max(4096))
      .max(64)
      .optional()
      .describe('Instead of the arguments that the analysis starts it with'),
    headers: z
      .record(z.string().max(100), z.string().max(8192))
      .optional()
      .describe(
        'What a remote server is sent besides what the analysis names: Bearer {TOKEN} with the value of the variable TOKEN; a value without a variable is kept as a credential',
      ),
    executable: z
      .string()
      .max(256)
      .optional()
      .describe("Which of the package's executables; default: the one that the analysis found"),
    runtime: runtimeKind.optional().describe('Where it runs; default: the first that the installation has'),
    network: NetworkPolicy.default('internet'),
    allowScripts: z.boolean().default(false),
    memoryMiB: z.number().int().min(64).max(16384).optional(),
    tokenName: z.string().trim().min(1).max(80).default('first'),
    personal: PersonalNames.default([]).describe(
      'Variables of which each member brings their own value, and so has a process of their own; a value that is given for one is yours',
    ),
    accounts: AccountSources.default({}).describe(
      'Variables whose value is the token of an account that is connected at another service',
    ),
    confirmWarnings: z.boolean().default(false).describe('Deploy in spite of warnings that ask for it'),
    allowMissing: z.boolean().default(false).describe('Deploy although required values are missing'),
  })
  .meta({ id: 'CreateDeployment' })

export const CreateRelease = z
  .strictObject({
    from: z
      .number()
      .int()
      .positive()
      .optional()
      .describe(
        'Number of the release to start from: a rollback when nothing else is given. Default: the one that serves',
      ),
    version: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .describe('Another version or tag of the package, such as latest'),
    variables: z
      .record(z.string().max(256), z.string().nullable())
      .default({})
      .describe('Values that are new; null takes a variable away; the others stay'),
    args: z
      .array(z.string().max(4096))
      .max(64)
      .optional()
      .describe('In place of those that the owner gave before'),
    personal: PersonalNames.optional().describe(
      'All variables of which each member brings their own value, in place of the former ones',
    ),
    accounts: AccountSources.optional().describe('All of them, in place of the former ones'),
    runtime: runtimeKind.optional().describe('Moves it there'),
    network: NetworkPolicy.optional(),
    allowScripts: z.boolean().optional(),
    memoryMiB: z.number().int().min(64).max(16384).optional(),
  })
  .meta({ id: 'CreateRelease' })

const names = z.array(z.string())
const NameChanges = z.object({ added: names, removed: names, changed: names })
const changed = <T extends z.ZodType>(value: T) => z.object({ from: value, to: value })

export const ReleaseChanges = z
  .object({
    from: z.number().int(),
    to: z.number().int(),
    package: changed(z.string()).nullable(),
    args: changed(names).nullable(),
    variables: NameChanges.nullable().describe('By name; a changed one has another value'),
    settings: z.array(changed(z.union([z.string(), z.number(), z.boolean()])).extend({ name: z.string() })),
    tools: NameChanges.extend({ changed: z.array(z.object({ name: z.string(), members: names })) })
      .nullable()
      .describe('null when nothing changed, or one of the two never answered'),
    resources: NameChanges.nullable(),
    prompts: NameChanges.nullable(),
  })
  .describe('How one release differs from another; a part is null where they are the same')
  .meta({ id: 'ReleaseChanges' })

const Requirement = z.object({ name: z.string(), description: z.string().nullable() })
const definition = z.record(z.string(), z.unknown())

export const UpdateTrial = z
  .object({
    works: z.boolean().describe('Whether it started, with placeholders in the place of your values'),
    message: z.string().nullable().describe('Why it did not, or why it could not be compared'),
    tools: z.object({
      added: z.array(Requirement),
      removed: names,
      changed: z.array(z.object({ name: z.string(), members: names, from: definition, to: definition })),
    }),
    resources: NameChanges.nullable(),
    prompts: NameChanges.nullable(),
    requires: z
      .array(Requirement)
      .describe('Values that it wants, that what serves did not, and that the deployment has none for'),
  })
  .describe('What trying a version out in the sandbox showed, beside what serves')
  .meta({ id: 'UpdateTrial' })

export const Update = z
  .object({
    current: z.string(),
    latest: z.string().describe('The newest version; what serves, when nothing newer is known'),
    available: z.boolean(),
    isSkipped: z.boolean(),
    publishedAt: timestamp.nullable(),
    deprecated: z.string().nullable(),
    phase: z.enum(['idle', 'looking', 'trying']).describe('Whether it is being looked for or tried out'),
    checkedAt: timestamp.nullable(),
    failure: z.string().nullable().describe('Why the last look failed'),
    trial: UpdateTrial.nullable().describe('null while it was not tried out'),
  })
  .describe('The version that serves, and what is known of a newer one')
  .meta({ id: 'Update' })

export const AvailableUpdate = Update.extend({
  deployment: z.object({ id: z.string(), slug: z.string(), name: z.string() }),
}).meta({ id: 'AvailableUpdate' })

export const SkipUpdate = z
  .strictObject({
    version: z.string().min(1).max(256).nullable().describe('The one that is available; null takes it back'),
  })
  .meta({ id: 'SkipUpdate' })

export const CreatedDeployment = z
  .object({ deployment: Deployment, token: NewEndpointToken })
  .meta({ id: 'CreatedDeployment' })

export const CreateToken = z
  .strictObject({
    name: z.string().trim().min(1).max(80),
    scope: EndpointToken.shape.scope.default('full'),
    expiresInDays: z.number().int().min(1).max(3650).nullable().default(null),
    callsPerMinute: TokenQuota.optional(),
    concurrentCalls: TokenQuota.optional(),
  })
  .meta({ id: 'CreateToken' })

export const ChangeToken = CreateToken.pick({ name: true, callsPerMinute: true, concurrentCalls: true })
  .partial()
  .describe('What is left out stays; null is as every token')
  .meta({ id: 'ChangeToken' })

export const RotateToken = z
  .strictObject({
    graceHours: z.number().int().min(0).max(720).default(24).describe('How long the former one works on'),
  })
  .meta({ id: 'RotateToken' })

/** Values of `access`, with what each means for whoever calls. */
export const AccessMode = z
  .enum(['token', 'oauth', 'both', 'public'])
  .describe(
    'How callers show who they are. token: an endpoint token, no discovery is served. oauth: they sign in. both: either. public: they do not, everybody may call',
  )
  .meta({ id: 'AccessMode' })

export const EndpointSettings = z
  .object({
    access: AccessMode,
    allowedOrigins: z
      .array(z.string())
      .describe('Origins of web pages that may call the endpoint, besides our own and those on localhost'),
    processes: z
      .enum(['auto', 'shared', 'per-session'])
      .describe(
        'Whether sessions share a process; auto: those whose clients declare nothing that depends on them',
      ),
    stateful: z
      .boolean()
      .describe(
        'Whether a session ends with the process that served it. Without, it goes on in another one, and what the server remembered of it is lost',
      ),
    keepsData: z
      .boolean()
      .describe(
        'Whether files that it writes must be there tomorrow. Without, it may start on another machine',
      ),
    alwaysOn: z.boolean().describe('Whether it runs also when nobody calls it'),
    idleTimeoutS: z
      .number()
      .int()
      .nullable()
      .describe(
        'Seconds without a call after which it falls asleep; null for what the installation is set to',
      ),
  })
  .meta({ id: 'EndpointSettings' })

export const ChangeEndpointSettings = z
  .strictObject({
    access: AccessMode.optional(),
    allowedOrigins: z
      .array(
        z
          .string()
          .max(256)
          .regex(/^https?:\/\/[a-z0-9.-]+(?::\d{1,5})?$/, 'An origin such as https://app.example.com'),
      )
      .max(50)
      .optional(),
    processes: z.enum(['auto', 'shared', 'per-session']).optional(),
    stateful: z.boolean().optional(),
    keepsData: z.boolean().optional(),
    alwaysOn: z.boolean().optional(),
    idleTimeoutS: z.number().int().min(1).max(604_800).nullable().optional(),
  })
  .meta({ id: 'ChangeEndpointSettings' })

const settingValue = z.string().trim().min(1).max(4096).nullable().optional()

/** By the names that the services' own tools use. */
const workspaceSettingValues = z.strictObject({
  ANTHROPIC_API_KEY: settingValue,
  OPENROUTER_API_KEY: settingValue,
  GITHUB_TOKEN: settingValue,
  NPM_TOKEN: settingValue,
  PYPI_TOKEN: settingValue,
  FLY_API_TOKEN: settingValue,
  FLY_APP: settingValue,
})

export const WorkspaceSetting = z
  .object({
    name: workspaceSettingValues.keyof(),
    masked: z.string().nullable().describe('The last four letters; null when it is not set'),
    account: z.string().nullable().describe('Whom the service took it for, where it says so'),
    checkedAt: timestamp.nullable(),
  })
  .meta({ id: 'WorkspaceSetting' })

export const ChangeWorkspaceSettings = z
  .strictObject({ values: workspaceSettingValues.describe('Null takes one away, what is left out stays') })
  .meta({ id: 'ChangeWorkspaceSettings' })

export const CallOutcome = z
  .enum(['ok', 'tool_error', 'error', 'cancelled', 'failed', 'limited', 'unavailable'])
  .describe(
    'tool_error: a result with isError. error: a JSON-RPC error. failed: no answer. limited, unavailable: turned away',
  )
  .meta({ id: 'CallOutcome' })

export const CallTool = z
  .strictObject({
    tool: z.string().min(1).max(256),
    arguments: z.record(z.string(), z.unknown()).default({}),
  })
  .meta({ id: 'CallTool' })

export const CallResult = z
  .looseObject({
    content: z.array(z.looseObject({ type: z.string() })).optional(),
    structuredContent: z.unknown().optional(),
    isError: z.boolean().optional(),
  })
  .describe("The server's own result of tools/call")
  .meta({ id: 'CallResult' })

export const Call = z
  .object({
    id: z.string().describe('Sorts by arrival; a cursor for `before`'),
    at: timestamp,
    deployment: z.object({ id: z.string(), slug: z.string() }),
    token: z
      .object({ id: z.string(), name: z.string().nullable().describe('null when it was revoked') })
      .nullable()
      .describe('null for a person or an API key'),
    subject: z.string().describe('Id of the token, person or API key'),
    who: z
      .string()
      .describe('Name of the token, client or API key, or address of the person; the id of what is gone'),
    person: z
      .string()
      .nullable()
      .describe('Address of who signed in, or made the token or key; null when they are gone'),
    method: z.string().nullable().describe('Of MCP; null when the gateway turned the call away'),
    name: z.string().nullable().describe('The tool, prompt or resource'),
    outcome: CallOutcome,
    durationMs: z.number(),
    requestId: z.string(),
    traceId: z.string().nullable().describe('W3C Trace Context'),
  })
  .describe('Who called what, when, with what outcome; never the arguments')
  .meta({ id: 'Call' })

export const SetUp = z
  .strictObject({
    token: z.string().min(1).max(256),
    name: z.string().trim().min(1).max(80),
    email: z.email().max(254),
    password: z.string().min(10).max(128),
  })
  .meta({ id: 'SetUp' })

export const SetUpLink = z.object({ url: z.url(), expiresAt: timestamp }).meta({ id: 'SetUpLink' })

export const Doctor = z
  .object({
    healthy: z.boolean().describe('Whether nothing is an error'),
    items: z.array(
      z.object({
        name: z.enum([
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
        ]),
        level: z.enum(['ok', 'warning', 'error']).describe('error: something cannot work'),
        detail: z.string(),
        fix: z.string().nullable(),
        docs: z.string().describe('Path of the section that explains it'),
      }),
    ),
  })
  .meta({ id: 'Doctor' })

export const AuditEntry = z
  .object({
    id: z.string().describe('Sorts by time; a cursor for `before`'),
    at: z.string().describe('RFC 3339, UTC, with microseconds'),
    actor: z.object({
      kind: z.string().describe('user, api_key or system'),
      id: z.string(),
      label: z.string(),
    }),
    address: z.string().nullable().describe('From where; null for the program itself'),
    action: z.string().describe('Entity and verb, e.g. deployment.stop'),
    target: z.string().nullable().describe('Id of what it was done to'),
    outcome: z.enum(['done', 'refused', 'failed']),
    detail: z.record(z.string(), z.unknown()),
    seq: z
      .string()
      .nullable()
      .describe('Place in the chain of the whole installation; null for some seconds'),
    hash: z.string().nullable().describe('HMAC-SHA256 over the entry and the hash before it, in hexadecimal'),
  })
  .meta({ id: 'AuditEntry' })

export const AuditQuery = z.object({
  action: z.string().max(80).optional().describe('Whole action, or its first part, e.g. deployment'),
  actor: z.string().max(254).optional().describe('Id, or part of the name'),
  target: z.string().max(128).optional().describe('Id of a thing; of a deployment also what belongs to it'),
  outcome: AuditEntry.shape.outcome.optional(),
  from: timestamp.optional(),
  to: timestamp.optional(),
  before: z.string().max(64).optional().describe('Only entries older than the one with this id'),
  limit: z.coerce.number().int().min(1).max(500).default(100),
})

export const AuditVerification = z
  .object({
    ok: z.boolean(),
    entries: z.number().int().describe('How many entries hold, from the first on'),
    head: z.string().nullable().describe('Hash of the last one; note it elsewhere to compare later'),
    problem: z
      .object({
        seq: z.string(),
        entry: z.string().nullable(),
        what: z.enum(['missing', 'moved', 'changed']),
      })
      .nullable(),
  })
  .meta({ id: 'AuditVerification' })

export const Keys = z
  .object({
    origin: z.enum(['environment', 'file']).describe('Keys of the environment are changed where it is set'),
    keys: z
      .array(
        z.object({
          id: z.string().describe('Tells keys apart without telling anything of them'),
          newest: z.boolean().describe('What is new is encrypted under it'),
          secrets: z.number().int().describe('How many stored values are under it'),
        }),
      )
      .describe('Newest first'),
    rotation: z
      .object({
        keyId: z.string().describe('Everything comes under this key'),
        startedAt: timestamp,
        finishedAt: timestamp.nullable(),
        unreadable: z.array(z.string()).describe('Ids of what could not be opened and was left as it is'),
      })
      .nullable()
      .describe('The one under way, or the last'),
  })
  .meta({ id: 'Keys' })

export const RegistryServer = z
  .object({
    name: z.string().describe('Unique in the first registry that lists it'),
    title: z.string().nullable(),
    description: z.string(),
    version: z.string().nullable(),
    status: z.enum(['active', 'deprecated']),
    statusMessage: z.string().nullable().describe('Why it has this status'),
    source: z.string().nullable().describe('What to analyse and deploy; null when it names nothing'),
    runsFrom: z
      .enum(['package', 'repository', 'remote', 'nothing'])
      .describe('What it is deployed from; `remote`: someone else runs it'),
    listedBy: z
      .array(z.object({ registry: z.enum(['official', 'glama']), url: z.string().nullable() }))
      .describe('Registries that list it, the one that is shown first'),
    namespace: z
      .enum(['github', 'domain'])
      .nullable()
      .describe('What the publisher has proved to the official registry to be theirs'),
    repository: z.string().nullable(),
    website: z.string().nullable(),
    license: z.string().nullable(),
    packages: z.array(z.object({ registry: z.string(), name: z.string(), version: z.string().nullable() })),
    remotes: z.array(z.object({ url: z.string(), transport: z.string() })),
    publishedAt: timestamp.nullable(),
    updatedAt: timestamp.nullable(),
  })
  .meta({ id: 'RegistryServer' })

export const RegistryState = z
  .object({
    name: z.enum(['official', 'glama']),
    url: z.string(),
    servers: z.number().int().describe('How many of its servers are known here'),
    syncedAt: timestamp.nullable().describe('What it said at this moment is known here; null: not yet'),
    syncing: z.boolean(),
    failure: z
      .object({ at: timestamp, message: z.string() })
      .nullable()
      .describe('Why the last attempt failed; null when it did not'),
    nextAt: timestamp.describe('When it is asked again'),
  })
  .meta({ id: 'RegistryState' })
