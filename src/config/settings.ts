import * as value from './values.ts'

/** One variable that the program reads, and the flag of the same name. */
export interface Setting {
  readonly name: string
  /** Without the dashes. Null where a value on the command line would show in the process list. */
  readonly flag: string | null
  readonly description: string
  /** As it would be written, or in words where it depends on the machine; null for none. */
  readonly default: string | null
  readonly example: string
  readonly secret: boolean
  /** Whether the flag stands alone, without a value. */
  readonly isSwitch: boolean
}

interface Declared<T> {
  readonly name: string
  readonly description: string
  readonly value: value.Value<T>
  /** Text, read like a given one. */
  readonly default?: string
  /** For defaults that are computed: how the documentation says it. */
  readonly defaultInWords?: string
  /** Set to nothing it has the value nothing; others then count as not set. */
  readonly mayBeEmpty?: true
  readonly example: string
  readonly secret?: true
}

const setting = <D extends Declared<unknown>>(declared: D): D => declared

/** Every variable, in the order of the documentation. Nothing else of the environment is read. */
export const SETTINGS = {
  host: setting({
    name: 'CATWALK_HOST',
    description: 'Address to listen on. Anything but a loopback address lets other machines connect.',
    value: value.host,
    default: '127.0.0.1',
    example: '0.0.0.0',
  }),
  port: setting({
    name: 'CATWALK_PORT',
    description: 'Port to listen on. 0 takes any free one.',
    value: value.wholeNumber(0, 65_535),
    default: '7420',
    example: '8080',
  }),
  dataDir: setting({
    name: 'CATWALK_DATA_DIR',
    description: "Where keys, the embedded database, installed packages and servers' files are kept.",
    value: value.folder,
    defaultInWords:
      '`/var/lib/catwalk` as root, otherwise `~/.local/share/catwalk` (`$XDG_DATA_HOME/catwalk`)',
    example: '/srv/catwalk',
  }),
  publicUrl: setting({
    name: 'CATWALK_PUBLIC_URL',
    description:
      'Origin under which people and MCP clients reach Catwalk. Endpoints and links are made from it.',
    value: value.origin,
    defaultInWords: '`http://localhost:PORT`',
    example: 'https://catwalk.example.com',
  }),
  databaseUrl: setting({
    name: 'DATABASE_URL',
    description: 'PostgreSQL to use instead of the embedded one.',
    value: value.databaseUrl,
    defaultInWords: 'the embedded database',
    example: 'postgresql://catwalk:password@db.example.com:5432/catwalk?sslmode=verify-full',
    secret: true,
  }),
  pypiIndexUrl: setting({
    name: 'CATWALK_PYPI_INDEX_URL',
    description:
      'Python package index (PEP 503) that servers from PyPI are installed from, with credentials where it wants some.',
    value: value.secret,
    defaultInWords: '`PIP_INDEX_URL` where it is set, otherwise PyPI',
    example: 'https://pypi.example.com/simple/',
    secret: true,
  }),
  masterKey: setting({
    name: 'CATWALK_MASTER_KEY',
    description:
      'Key that credentials are encrypted under, for installations that keep it outside the data directory.',
    value: value.secret,
    defaultInWords: '`master.key` in the data directory, made at the first start',
    example: 'the contents of a master.key file',
    secret: true,
  }),
  signUp: setting({
    name: 'CATWALK_SIGN_UP',
    description:
      'Who can make an account: anybody, whoever was invited, or nobody. Anybody only where strangers cannot run servers on this machine.',
    value: value.oneOf(['open', 'invitation', 'closed']),
    default: 'invitation',
    example: 'closed',
  }),
  githubClientId: setting({
    name: 'CATWALK_GITHUB_CLIENT_ID',
    description: 'Client id of an OAuth app at GitHub, to sign in with it: docs/authentication.md.',
    value: value.clientId,
    example: 'Ov23liExample',
  }),
  githubClientSecret: setting({
    name: 'CATWALK_GITHUB_CLIENT_SECRET',
    description: 'Its client secret.',
    value: value.secret,
    example: 'the secret',
    secret: true,
  }),
  githubUrl: setting({
    name: 'CATWALK_GITHUB_URL',
    description: 'Where people sign in to GitHub; for an Enterprise server its address.',
    value: value.httpAddress,
    default: 'https://github.com',
    example: 'https://github.example.com',
  }),
  googleClientId: setting({
    name: 'CATWALK_GOOGLE_CLIENT_ID',
    description: 'Client id of a web application at Google, to sign in with it.',
    value: value.clientId,
    example: '1234-abc.apps.googleusercontent.com',
  }),
  googleClientSecret: setting({
    name: 'CATWALK_GOOGLE_CLIENT_SECRET',
    description: 'Its client secret.',
    value: value.secret,
    example: 'the secret',
    secret: true,
  }),
  googleUrl: setting({
    name: 'CATWALK_GOOGLE_URL',
    description:
      'For tests: one origin in place of those of Google, with `/o/oauth2/v2/auth`, `/token` and `/v1/userinfo`.',
    value: value.origin,
    example: 'http://localhost:9000',
  }),
  smtpUrl: setting({
    name: 'CATWALK_SMTP_URL',
    description:
      'Mail server for invitations, reset links and the confirmation of addresses: `smtps://`, or `smtp://`, which must offer STARTTLS when there is a password.',
    value: value.smtpUrl,
    defaultInWords: 'no mail is sent',
    example: 'smtps://user:password@mail.example.com:465',
    secret: true,
  }),
  mailFrom: setting({
    name: 'CATWALK_MAIL_FROM',
    description: 'Sender of that mail.',
    value: value.mailAddress,
    example: 'Catwalk <catwalk@example.com>',
  }),
  localRuntime: setting({
    name: 'CATWALK_LOCAL_RUNTIME',
    description: 'Whether servers may run on this machine, in a sandbox.',
    value: value.yesOrNo,
    default: 'true',
    example: 'false',
  }),
  dockerRuntime: setting({
    name: 'CATWALK_DOCKER_RUNTIME',
    description:
      'Whether servers may run in containers of the Docker engine of this machine. Where they do not run locally, new deployments go there.',
    value: value.yesOrNo,
    default: 'false',
    example: 'true',
  }),
  dockerSocket: setting({
    name: 'CATWALK_DOCKER_SOCKET',
    description: "The engine's Unix socket. Engines on other machines are not supported, see docs/docker.md.",
    value: value.unixSocket,
    defaultInWords: '`DOCKER_HOST`, else `/var/run/docker.sock`',
    example: '/run/user/1000/docker.sock',
  }),
  dockerImage: setting({
    name: 'CATWALK_DOCKER_IMAGE',
    description: 'Image that servers run on, see docs/docker.md. It need not have Node.',
    value: value.imageName,
    default: 'catwalk/base:1',
    example: 'registry.example/team/base:1',
  }),
  imageRegistries: setting({
    name: 'CATWALK_IMAGE_REGISTRIES',
    description:
      'Registries of images that you run yourself, as `host:port` separated by commas: asked over plain http and wherever they are. The Docker engine must know them too (`insecure-registries`; this machine’s own it takes as they are).',
    value: value.imageRegistries,
    defaultInWords: 'none: registries are asked over https on the public internet',
    example: '127.0.0.1:5000',
  }),
  dockerOciRuntime: setting({
    name: 'CATWALK_DOCKER_OCI_RUNTIME',
    description: "Another OCI runtime of the engine, such as gVisor's.",
    value: value.word,
    defaultInWords: "the engine's own",
    example: 'runsc',
  }),
  flyRuntime: setting({
    name: 'CATWALK_FLY_RUNTIME',
    description:
      "Whether servers may run in Fly Machines of the workspaces' own accounts, see docs/fly.md. Needs CATWALK_FLY_IMAGE.",
    value: value.yesOrNo,
    default: 'false',
    example: 'true',
  }),
  flyImage: setting({
    name: 'CATWALK_FLY_IMAGE',
    description: 'Image that machines at Fly run, in a registry that Fly can read. Made from deploy/image.',
    value: value.imageName,
    defaultInWords: 'none',
    example: 'registry.fly.io/team-servers/catwalk-image:1',
  }),
  flyRegion: setting({
    name: 'CATWALK_FLY_REGION',
    description: 'Where machines and volumes at Fly are made.',
    value: value.word,
    defaultInWords: 'the region nearest to Catwalk',
    example: 'ams',
  }),
  flyOrganisation: setting({
    name: 'CATWALK_FLY_ORG',
    description: 'Organisation at Fly in which an app is made that does not exist yet.',
    value: value.word,
    default: 'personal',
    example: 'my-company',
  }),
  flyReach: setting({
    name: 'CATWALK_FLY_REACH',
    description:
      "How machines at Fly are reached: public through Fly's proxy, or private by their 6PN address, where Catwalk runs at Fly itself or has a WireGuard peer.",
    value: value.oneOf(['public', 'private']),
    default: 'public',
    example: 'private',
  }),
  flyVolumeGiB: setting({
    name: 'CATWALK_FLY_VOLUME_GIB',
    description: 'Size of the volume of each deployment at Fly. With 0 there is none, and nothing is kept.',
    value: value.wholeNumber(0, 500),
    default: '1',
    example: '10',
  }),
  kubernetesRuntime: setting({
    name: 'CATWALK_KUBERNETES_RUNTIME',
    description:
      'Whether servers may run in pods of a Kubernetes cluster, see docs/kubernetes.md. Needs CATWALK_KUBERNETES_IMAGE.',
    value: value.yesOrNo,
    default: 'false',
    example: 'true',
  }),
  kubernetesImage: setting({
    name: 'CATWALK_KUBERNETES_IMAGE',
    description: 'Image that pods run, in a registry that the cluster can read. Made from deploy/image.',
    value: value.imageName,
    defaultInWords: 'none',
    example: 'registry.example/team/catwalk-instance:1',
  }),
  kubernetesKubeconfig: setting({
    name: 'CATWALK_KUBERNETES_KUBECONFIG',
    description: 'Kubeconfig that says how to reach the cluster.',
    value: value.folder,
    defaultInWords: 'the service account of the pod that Catwalk runs in',
    example: '/etc/catwalk/kubeconfig',
  }),
  kubernetesContext: setting({
    name: 'CATWALK_KUBERNETES_CONTEXT',
    description: 'Context of the kubeconfig.',
    value: value.contextName,
    defaultInWords: 'the current one',
    example: 'team-cluster',
  }),
  kubernetesNamespace: setting({
    name: 'CATWALK_KUBERNETES_NAMESPACE',
    description: 'Namespace in which servers run.',
    value: value.word,
    default: 'catwalk-servers',
    example: 'team-servers',
  }),
  kubernetesVolumeGiB: setting({
    name: 'CATWALK_KUBERNETES_VOLUME_GIB',
    description:
      'Size of the volume of each deployment in the cluster. With 0 there is none, and nothing is kept.',
    value: value.wholeNumber(0, 500),
    default: '1',
    example: '10',
  }),
  kubernetesStorageClass: setting({
    name: 'CATWALK_KUBERNETES_STORAGE_CLASS',
    description: 'Storage class of these volumes.',
    value: value.word,
    defaultInWords: "the cluster's default",
    example: 'fast-ssd',
  }),
  kubernetesRuntimeClass: setting({
    name: 'CATWALK_KUBERNETES_RUNTIME_CLASS',
    description: "Runtime class of pods, such as gVisor's.",
    value: value.word,
    defaultInWords: "the cluster's default",
    example: 'gvisor',
  }),
  kubernetesPullSecret: setting({
    name: 'CATWALK_KUBERNETES_PULL_SECRET',
    description: 'Name of the Secret, in the namespace of the servers, with which images are pulled.',
    value: value.word,
    defaultInWords: 'none',
    example: 'registry-key',
  }),
  kubernetesCallers: setting({
    name: 'CATWALK_KUBERNETES_CALLERS',
    description:
      'Range of addresses that its calls come from, as pods see them, where Catwalk runs outside of the cluster. Pods let in nobody else; images with an HTTP port of their own run there only then.',
    value: value.range,
    defaultInWords: 'none: whoever reaches a pod may call it, and it answers who has its secret',
    example: '10.20.0.0/24',
  }),
  logLevel: setting({
    name: 'CATWALK_LOG_LEVEL',
    description: "Least level of messages in the program's own log.",
    value: value.oneOf(['debug', 'info', 'warn', 'error']),
    default: 'info',
    example: 'debug',
  }),
  logFormat: setting({
    name: 'CATWALK_LOG_FORMAT',
    description: 'Lines for people, or one JSON object a line.',
    value: value.oneOf(['pretty', 'json']),
    defaultInWords: '`pretty` on a terminal, otherwise `json`',
    example: 'json',
  }),
  allowUnsandboxed: setting({
    name: 'CATWALK_ALLOW_UNSANDBOXED',
    description:
      'Run servers without a sandbox where there is none. Any server can then read every secret. Only while listening on a loopback address.',
    value: value.yesOrNo,
    default: 'false',
    example: 'true',
  }),
  maxMessageMiB: setting({
    name: 'CATWALK_MAX_MESSAGE_MIB',
    description: 'Largest MCP message in either direction, in MiB.',
    value: value.wholeNumber(1, 1024),
    default: '64',
    example: '16',
  }),
  defaultMemoryMiB: setting({
    name: 'CATWALK_DEFAULT_MEMORY_MIB',
    description: 'Memory limit of a deployment that does not choose one, in MiB.',
    value: value.wholeNumber(64, 16_384),
    default: '512',
    example: '1024',
  }),
  installTimeoutS: setting({
    name: 'CATWALK_INSTALL_TIMEOUT_S',
    description: 'Longest time that installing a package may take, in seconds.',
    value: value.wholeNumber(1, 86_400),
    default: '300',
    example: '900',
  }),
  analysisTimeoutS: setting({
    name: 'CATWALK_ANALYSIS_TIMEOUT_S',
    description: 'Longest time that an analysis may take, its trial start included, in seconds.',
    value: value.wholeNumber(5, 3600),
    default: '180',
    example: '60',
  }),
  anthropicApiKey: setting({
    name: 'CATWALK_ANTHROPIC_API_KEY',
    description:
      'Key for the Anthropic API. With it a language model fills what the files of a source leave open: docs/analysis.md.',
    value: value.secret,
    defaultInWords: 'no model is asked',
    example: 'sk-ant-…',
    secret: true,
  }),
  anthropicBaseUrl: setting({
    name: 'CATWALK_ANTHROPIC_BASE_URL',
    description: 'Where the Anthropic API is.',
    value: value.httpAddress,
    default: 'https://api.anthropic.com',
    example: 'https://llm.example.com',
  }),
  openRouterApiKey: setting({
    name: 'CATWALK_OPENROUTER_API_KEY',
    description: 'Key for OpenRouter, in place of one for Anthropic.',
    value: value.secret,
    defaultInWords: 'no model is asked',
    example: 'sk-or-…',
    secret: true,
  }),
  openRouterBaseUrl: setting({
    name: 'CATWALK_OPENROUTER_BASE_URL',
    description: 'Where OpenRouter, or another service with an OpenAI-compatible API, is.',
    value: value.httpAddress,
    default: 'https://openrouter.ai/api/v1',
    example: 'https://llm.example.com/v1',
  }),
  model: setting({
    name: 'CATWALK_MODEL',
    description: 'Name of the language model.',
    value: value.modelName,
    defaultInWords: '`claude-haiku-4-5` with Anthropic, `anthropic/claude-haiku-4.5` with OpenRouter',
    example: 'claude-sonnet-4-6',
  }),
  modelBudgetTokens: setting({
    name: 'CATWALK_MODEL_BUDGET_TOKENS',
    description: 'How many tokens one analysis may cost at most, sent and received.',
    value: value.wholeNumber(5000, 1_000_000),
    default: '30000',
    example: '100000',
  }),
  modelTimeoutS: setting({
    name: 'CATWALK_MODEL_TIMEOUT_S',
    description: 'How long an analysis waits for the language model, in seconds.',
    value: value.wholeNumber(1, 600),
    default: '30',
    example: '60',
  }),
  flyApiUrl: setting({
    name: 'CATWALK_FLY_API_URL',
    description: "Fly's Machines API, where the keys of workspaces for Fly are checked.",
    value: value.httpAddress,
    default: 'https://api.machines.dev',
    example: 'http://_api.internal:4280',
  }),
  probeTimeoutS: setting({
    name: 'CATWALK_PROBE_TIMEOUT_S',
    description: 'Longest time that a new instance may take until it answers, in seconds.',
    value: value.wholeNumber(1, 3600),
    default: '60',
    example: '120',
  }),
  wakeTimeoutS: setting({
    name: 'CATWALK_WAKE_TIMEOUT_S',
    description: 'Longest time that a call waits for an instance that is starting, in seconds.',
    value: value.wholeNumber(1, 3600),
    default: '60',
    example: '30',
  }),
  idleTimeoutS: setting({
    name: 'CATWALK_IDLE_TIMEOUT_S',
    description:
      'How long nobody must have called a deployment before it falls asleep, in seconds, unless it has a time of its own. 0: none sleeps.',
    value: value.wholeNumber(0, 604_800),
    default: '900',
    example: '3600',
  }),
  logRetentionDays: setting({
    name: 'CATWALK_LOG_RETENTION_DAYS',
    description: 'How long the output of servers is kept, in days.',
    value: value.wholeNumber(1, 3650),
    default: '14',
    example: '30',
  }),
  logRetentionLines: setting({
    name: 'CATWALK_LOG_RETENTION_LINES',
    description: 'How many lines of output are kept of each deployment; the oldest go first.',
    value: value.wholeNumber(1000, 10_000_000),
    default: '100000',
    example: '20000',
  }),
  callRetentionDays: setting({
    name: 'CATWALK_CALL_RETENTION_DAYS',
    description: 'How long it is kept who called which tool, in days.',
    value: value.wholeNumber(1, 3650),
    default: '30',
    example: '90',
  }),
  usageMinuteRetentionDays: setting({
    name: 'CATWALK_USAGE_MINUTE_RETENTION_DAYS',
    description: 'How long the counters of calls, errors and latency are kept by minute, in days.',
    value: value.wholeNumber(1, 3650),
    default: '7',
    example: '2',
  }),
  usageRetentionDays: setting({
    name: 'CATWALK_USAGE_RETENTION_DAYS',
    description: 'How long those counters are kept by hour, in days.',
    value: value.wholeNumber(1, 3650),
    default: '90',
    example: '365',
  }),
  usageDayRetentionDays: setting({
    name: 'CATWALK_USAGE_DAY_RETENTION_DAYS',
    description: 'How long those counters are kept by day, and the time that servers were awake, in days.',
    value: value.wholeNumber(1, 3650),
    default: '750',
    example: '3650',
  }),
  memoryPrice: setting({
    name: 'CATWALK_MEMORY_PRICE',
    description:
      'What a GiB of memory costs for an hour that a server is awake, for the cost of deployments on this machine, in containers and on Kubernetes.',
    value: value.price,
    defaultInWords: 'none: GiB-hours are shown',
    example: '0.005 EUR',
  }),
  internalUrl: setting({
    name: 'CATWALK_INTERNAL_URL',
    description:
      'Origin under which other replicas reach this one, http only. They pass calls on to the one that runs the server.',
    value: value.origin,
    defaultInWords: 'the address that is listened on; for all addresses, the first that is not loopback',
    example: 'http://10.0.0.5:7420',
  }),
  remoteOrigins: setting({
    name: 'CATWALK_REMOTE_ORIGINS',
    description:
      'Origins of MCP servers that deployments may reach although they are not on the public internet, separated by commas; over http only on this machine.',
    value: value.remoteOrigins,
    defaultInWords: 'none: remote servers are reached over https on the public internet',
    example: 'https://mcp.internal.example,http://127.0.0.1:3000',
  }),
  privateRanges: setting({
    name: 'CATWALK_PRIVATE_RANGES',
    description:
      'Addresses and ranges of private networks that servers in the sandbox or in containers may reach besides the public internet, separated by commas. It counts for every server whose network allows the host.',
    value: value.privateRanges,
    defaultInWords: 'none: no server reaches a private network',
    example: '192.168.1.20,10.20.0.0/16',
  }),
  trustedProxies: setting({
    name: 'CATWALK_TRUSTED_PROXIES',
    description:
      "Proxies in front of Catwalk whose X-Forwarded-For is believed, so that limits and the audit log see the client's address: addresses and ranges, `loopback`, `private`, separated by commas.",
    value: value.proxies,
    defaultInWords: 'none: the address of the connection counts',
    example: 'loopback,10.0.0.0/8',
  }),
  oauthClientHosts: setting({
    name: 'CATWALK_OAUTH_CLIENT_HOSTS',
    description:
      'Hosts whose client metadata documents are accepted where people sign in to endpoints, subdomains included, separated by commas: `any`, or `none` to accept only clients that register or were made by hand.',
    value: value.hosts,
    default: 'any',
    example: 'claude.ai,chatgpt.com',
  }),
  apiAddressRequestsPerMinute: setting({
    name: 'CATWALK_API_ADDRESS_REQUESTS_PER_MINUTE',
    description:
      'Requests a minute to the API from one address by whoever is not signed in, on each replica. 0 is no limit; attempts to sign in stay limited to 10.',
    value: value.wholeNumber(0, 10_000_000),
    default: '100',
    example: '300',
  }),
  apiUserRequestsPerMinute: setting({
    name: 'CATWALK_API_USER_REQUESTS_PER_MINUTE',
    description:
      'Requests a minute to the API by one person or API key, from wherever, on each replica. 0 is no limit.',
    value: value.wholeNumber(0, 10_000_000),
    default: '600',
    example: '100',
  }),
  tokenRequestsPerMinute: setting({
    name: 'CATWALK_TOKEN_REQUESTS_PER_MINUTE',
    description:
      'Requests a minute with one endpoint token, on each replica; a minute’s worth may come at once. 0 is no limit.',
    value: value.wholeNumber(0, 10_000_000),
    default: '3000',
    example: '600',
  }),
  addressRequestsPerMinute: setting({
    name: 'CATWALK_ADDRESS_REQUESTS_PER_MINUTE',
    description:
      'Requests a minute to endpoints from one address, on each replica. 0 is no limit. Behind a proxy, set CATWALK_TRUSTED_PROXIES as well.',
    value: value.wholeNumber(0, 10_000_000),
    default: '12000',
    example: '3000',
  }),
  tokenConcurrency: setting({
    name: 'CATWALK_TOKEN_CONCURRENCY',
    description:
      'Requests that one endpoint token may have under way at once, open event streams included, on each replica.',
    value: value.wholeNumber(1, 1_000_000),
    default: '512',
    example: '64',
  }),
  deploymentConcurrency: setting({
    name: 'CATWALK_DEPLOYMENT_CONCURRENCY',
    description:
      'Requests that one deployment may have under way at once, open event streams included, on each replica.',
    value: value.wholeNumber(1, 1_000_000),
    default: '2048',
    example: '256',
  }),
  accountProviderOrigins: setting({
    name: 'CATWALK_ACCOUNT_PROVIDER_ORIGINS',
    description:
      'Origins of services where accounts are connected that may be inside the own network or without TLS, separated by commas. All others must be https on the public internet.',
    value: value.origins,
    default: '',
    example: 'https://login.intern.example.com',
  }),
  quotaDeployments: setting({
    name: 'CATWALK_QUOTA_DEPLOYMENTS',
    description:
      'How many deployments a workspace may have, unless an administrator gave it another quota. 0 is no limit.',
    value: value.wholeNumber(0, 1_000_000),
    default: '0',
    example: '20',
  }),
  quotaMemoryMiB: setting({
    name: 'CATWALK_QUOTA_MEMORY_MIB',
    description:
      'Memory limits that the deployments of a workspace may have together, in MiB, likewise. 0 is no limit.',
    value: value.wholeNumber(0, 100_000_000),
    default: '0',
    example: '8192',
  }),
  quotaCallsPerMinute: setting({
    name: 'CATWALK_QUOTA_CALLS_PER_MINUTE',
    description:
      'Requests a minute to all endpoints of a workspace, on each replica, likewise. 0 is no limit.',
    value: value.wholeNumber(0, 10_000_000),
    default: '0',
    example: '6000',
  }),
  quotaConcurrentCalls: setting({
    name: 'CATWALK_QUOTA_CONCURRENT_CALLS',
    description:
      'Requests that all endpoints of a workspace may have under way at once, open event streams included, on each replica, likewise. 0 is no limit.',
    value: value.wholeNumber(0, 1_000_000),
    default: '0',
    example: '512',
  }),
  peopleAtOnce: setting({
    name: 'CATWALK_PEOPLE_AT_ONCE',
    description:
      'Processes that one deployment may have at a time where each member brings their own credentials: one for each who calls. When there are more, the one that has been idle longest ends.',
    value: value.wholeNumber(1, 10_000),
    default: '32',
    example: '100',
  }),
  roles: setting({
    name: 'CATWALK_ROLES',
    description:
      'What this replica does, separated by commas: `api` (API, dashboard, signing in), `gateway` (endpoints), `reconciler` (runs servers). Replicas on one database share the work: docs/replicas.md.',
    value: value.roles,
    default: 'api,gateway,reconciler',
    example: 'api,gateway',
  }),
  staleAfterS: setting({
    name: 'CATWALK_STALE_AFTER_S',
    description:
      'How long endpoints are served while the database cannot be heard, in seconds. After that calls are refused, because tokens may have been revoked. Another replica takes over from one that is gone half a minute later than this.',
    value: value.wholeNumber(15, 86_400),
    default: '60',
    example: '15',
  }),
  githubApiUrl: setting({
    name: 'CATWALK_GITHUB_API_URL',
    description: "GitHub's REST API: for an Enterprise server the address that ends in `/api/v3`.",
    value: value.httpAddress,
    default: 'https://api.github.com',
    example: 'https://github.example.com/api/v3',
  }),
  githubToken: setting({
    name: 'CATWALK_GITHUB_TOKEN',
    description:
      'Token for that API, for workspaces that have none. Raises the limit of requests; what it can read, every member can analyse.',
    value: value.secret,
    example: 'github_pat_…',
    secret: true,
  }),
  registryUrl: setting({
    name: 'CATWALK_REGISTRY_URL',
    description:
      'MCP Registry whose servers can be searched, or another one that speaks its API. Set to nothing, none is asked.',
    value: value.httpAddressOrNone,
    default: 'https://registry.modelcontextprotocol.io',
    mayBeEmpty: true,
    example: 'https://registry.example.com',
  }),
  glamaUrl: setting({
    name: 'CATWALK_GLAMA_URL',
    description: 'Where the list of servers of Glama is. Set to nothing, it is not asked.',
    value: value.httpAddressOrNone,
    default: 'https://glama.ai',
    mayBeEmpty: true,
    example: 'https://glama.example.com',
  }),
  registrySyncMinutes: setting({
    name: 'CATWALK_REGISTRY_SYNC_MINUTES',
    description:
      'How often registries are asked for what changed, in minutes. Those that do not tell are read whole, once a day.',
    value: value.wholeNumber(5, 10_080),
    default: '60',
    example: '240',
  }),
  storeMiB: setting({
    name: 'CATWALK_STORE_MIB',
    description:
      'Disk space for installed packages, in MiB, for sandbox and containers each. What no release in use needs is removed when it does not suffice, what was used the longest time ago first. 0 is no limit.',
    value: value.wholeNumber(0, 16_777_216),
    default: '20480',
    example: '102400',
  }),
  homeMiB: setting({
    name: 'CATWALK_HOME_MIB',
    description:
      'Disk space that the home of a deployment may take on this machine, in MiB, homes of its people included. A server that takes more is ended. 0 is no limit.',
    value: value.wholeNumber(0, 16_777_216),
    default: '2048',
    example: '10240',
  }),
  noticeOrigins: setting({
    name: 'CATWALK_NOTICE_ORIGINS',
    description:
      'Origins that notices may be sent to although they are inside the own network or without TLS, separated by commas. All other webhooks must be https on the public internet.',
    value: value.origins,
    default: '',
    example: 'https://chat.intern.example.com',
  }),
  updateCheckHours: setting({
    name: 'CATWALK_UPDATE_CHECK_HOURS',
    description:
      'How often newer versions of what deployments run are looked for, in hours. 0: only when somebody asks.',
    value: value.wholeNumber(0, 8760),
    default: '24',
    example: '6',
  }),
  sourceCacheMiB: setting({
    name: 'CATWALK_SOURCE_CACHE_MIB',
    description: 'Disk space for the files of repositories and packages that were read, in MiB.',
    value: value.wholeNumber(64, 1_048_576),
    default: '2048',
    example: '10240',
  }),
  uidBase: setting({
    name: 'CATWALK_UID_BASE',
    description:
      "As root, each deployment's servers run under a user id of their own, counted from this one. 60,000 ids must be free.",
    value: value.wholeNumber(1000, 4_000_000_000),
    default: '200000',
    example: '1000000',
  }),
  pauseAt: setting({
    name: 'CATWALK_PAUSE_AT',
    description: 'For tests: name of a step at which the program stops and waits to be killed.',
    value: value.stepName,
    example: 'release.installed',
  }),
} as const

export type SettingKey = keyof typeof SETTINGS

/** Read by the commands that talk to a server, not by the server: docs/cli.md. */
export const CLIENT_VARIABLES: readonly string[] = ['CATWALK_URL', 'CATWALK_API_KEY']

/** The description of every setting: what the CLI makes flags from, and the documentation its table. */
export const settings: readonly Setting[] = Object.values(SETTINGS).map((declared: Declared<unknown>) => ({
  name: declared.name,
  flag: declared.secret ? null : flagOf(declared.name),
  description: declared.description,
  default: declared.default ?? declared.defaultInWords ?? null,
  example: declared.example,
  secret: declared.secret ?? false,
  isSwitch: declared.value === value.yesOrNo,
}))

/** `CATWALK_DATA_DIR` is `data-dir`. */
export function flagOf(name: string): string {
  return name
    .replace(/^CATWALK_/, '')
    .toLowerCase()
    .replaceAll('_', '-')
}
