import type { AnalysedVariable } from '../domain/index.ts'

/** What can be the name of a variable that a person fills in; `*` at the end stands for any ending. */
export const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]{1,127}\*?$/
/** Names in capitals, as they are written in documents: two characters at least, a letter first. */
export const CAPITALS = /^[A-Z][A-Z0-9]*(?:_+[A-Z0-9]+)*_?\*?$/

/**
 * Variables that belong to the operating system, the shell, Node.js, Python, a terminal, a package manager, a build
 * service or a cloud's machines: never a credential of the server, and not for a form.
 */
const PLATFORM = new RegExp(
  `^(?:${[
    // Operating system, shell, desktop session
    'HOME|PATH|Path|PATHEXT|PWD|OLDPWD|USER|USERNAME|LOGNAME|SHELL|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMP|TEMP|TMPDIR|HOSTNAME|EDITOR|VISUAL|PAGER|DISPLAY|WAYLAND_DISPLAY|SHLVL|UID|GID|SUDO_[A-Z]+|XDG_[A-Z_]+|DBUS_[A-Z_]+',
    'APPDATA|LOCALAPPDATA|ProgramData|PROGRAMDATA|ProgramFiles.*|PROGRAMFILES.*|USERPROFILE|HOMEDRIVE|HOMEPATH|SYSTEMROOT|SystemRoot|SystemDrive|SYSTEMDRIVE|WINDIR|windir|COMSPEC|ComSpec|comspec|OS|OSTYPE|PROCESSOR_[A-Z0-9]+|NUMBER_OF_PROCESSORS|ALLUSERSPROFILE|PUBLIC|WSL_[A-Z_]+|WSLENV|MSYSTEM',
    // Terminals
    'TERM|TERM_PROGRAM(?:_VERSION)?|COLORTERM|COLORFGBG|COLUMNS|LINES|NO_COLOR|FORCE_COLOR|CLICOLOR(?:_FORCE)?|FORCE_HYPERLINK|ConEmu[A-Z]+|TMUX|STY|VTE_VERSION|WT_SESSION|WT_PROFILE_ID|ITERM_[A-Z_]+|KITTY_[A-Z_]+|TERMINAL_EMULATOR|TERMINUS_SUBLIME|ALACRITTY_[A-Z_]+|DOMTERM|KONSOLE_VERSION|NCURSES_[A-Z_]+|SSH_(?:TTY|CLIENT|CONNECTION|AUTH_SOCK|AGENT_PID|ASKPASS)|VSCODE_[A-Z_]+|CURSOR_[A-Z_]+|JETBRAINS_[A-Z_]+',
    // Node.js and other runtimes, package managers, test runners, bundlers
    'NODE_ENV|NODE_OPTIONS|NODE_PATH|NODE_DEBUG(?:_NATIVE)?|NODE_V8_COVERAGE|NODE_CHANNEL_FD|NODE_UNIQUE_ID|NODE_PENDING_[A-Z_]+|NODE_NO_[A-Z_]+|NODE_DISABLE_COLORS|NODE_REPL_[A-Z_]+|NODE_AUTH_TOKEN|NODE_APP_INSTANCE|NODE_USE_[A-Z_]+|NODE_EXTRA_CA_CERTS|NODE_NDEBUG|NODE_INSPECT.*|NODE_PRESERVE_SYMLINKS.*|UV_THREADPOOL_SIZE',
    '(?:npm|NPM|YARN|yarn|PNPM|pnpm|BUN|bun)_[A-Za-z_]+|INIT_CWD|NVM_[A-Z_]+|VOLTA_[A-Z_]+|COREPACK_[A-Z_]+|JEST_[A-Z_]+|VITEST(?:_[A-Z_]+)?|MOCHA_[A-Z_]+|TAP(?:_[A-Z_]+)?|BABEL_[A-Z_]+|TS_NODE_[A-Z_]+|ESBUILD_[A-Z_]+|SWC_[A-Z_]+|OXC_[A-Z_]+|ROLLUP_[A-Z_]+|WEBPACK_[A-Z_]+|TURBO[A-Z_]*|NEXT_RUNTIME|NEXT_PHASE|NEXT_PUBLIC_VERCEL_[A-Z_]+|REACT_APP_VERSION|STORYBOOK[A-Z_]*|BROWSERSLIST.*|DENO_[A-Z_]+|ELECTRON_[A-Z_]+|PKG_EXECPATH|NODE_BINDINGS_[A-Z_]+|PREBUILDS_ONLY|NAPI_[A-Z_]+|SHARP_[A-Z_]+|WASI_[A-Z_]+|UNDICI_[A-Z_]+|ZX_[A-Z_]+',
    'PYTHON[A-Z]+|VIRTUAL_ENV|CONDA_[A-Z_]+|PIP_[A-Z_]+|UV_[A-Z_]+|GOPATH|GOROOT|GOPROXY|GOFLAGS|JAVA_HOME|CARGO_[A-Z_]+|RUST_(?:LOG|BACKTRACE)',
    // Debugging switches of well-known libraries
    'DEBUG_[A-Z]+_?FD|DEBUG_FD|DEBUG_MIME|DEBUG_AUTH|DEBUG_COLORS|READABLE_STREAM|GRACEFUL_FS_[A-Z_]+|TEST_GRACEFUL_FS_[A-Z_]+|DOTENV_[A-Z_]+|SUPPRESS_NO_CONFIG_WARNING|ALLOW_CONFIG_MUTATIONS|GRPC_[A-Z0-9_]+|no_grpc_proxy|grpc_proxy|REDIS_RECONNECT|WS_NO_[A-Z_]+|PG[A-Z]+_NATIVE|NODE_PG_[A-Z_]+|JSDOM_[A-Z_]+|TRACE_DEPRECATION|NO_DEPRECATION|NODE_TRACE|DIAGNOSTICS|SWIG_[A-Z_]+|ZOD_[A-Z_]+|YAML_[A-Z_]+|LOG_STREAM|LOG_TOKENS|MIMALLOC_[A-Z_]+|SHARDING_MANAGER(?:_[A-Z_]+)?',
    // Build services
    'CI|CI_[A-Z_]+|CONTINUOUS_INTEGRATION|BUILD_(?:NUMBER|ID|URL)|RUN_ID|GITHUB_(?:ACTIONS?|WORKFLOW|RUN_[A-Z]+|SHA|REF(?:_[A-Z]+)?|EVENT_[A-Z]+|WORKSPACE|ACTOR|JOB|ENV|OUTPUT|HEAD_REF|BASE_REF|SERVER_URL|STEP_SUMMARY)|GITLAB_CI|GITEA_ACTIONS|TRAVIS(?:_[A-Z_]+)?|CIRCLECI|CIRCLE_[A-Z_]+|APPVEYOR(?:_[A-Z_]+)?|BUILDKITE(?:_[A-Z_]+)?|TEAMCITY_[A-Z_]+|TF_BUILD|AGENT_NAME|DRONE(?:_[A-Z_]+)?|JENKINS_[A-Z_]+|BITBUCKET_[A-Z_]+|CODEBUILD_[A-Z_]+|CODESPACES?|CODESPACE_NAME|GITPOD_[A-Z_]+|REPL_[A-Z_]+|REPLIT_[A-Z_]+|CLOUD_SHELL|STACKBLITZ.*',
    // The machines of clouds
    'AWS_(?:LAMBDA_[A-Z_]+|EXECUTION_ENV|CONTAINER_[A-Z_]+|WEB_IDENTITY_TOKEN_FILE|EC2_[A-Z_]+)|LAMBDA_[A-Z_]+|_HANDLER|_X_AMZN_[A-Z_]+|X_GOOGLE_[A-Z_]+|ECS_[A-Z0-9_]+|K_(?:SERVICE|REVISION|CONFIGURATION)|CLOUD_RUN_[A-Z_]+|FUNCTION_(?:NAME|TARGET|SIGNATURE_TYPE|REGION|MEMORY_MB|TIMEOUT_SEC|IDENTITY)|FUNCTIONS_[A-Z_]+|GAE_[A-Z_]+|GCE_METADATA_[A-Z_]+|GCF_[A-Z_]+|METADATA_SERVER_DETECTION|DETECT_GCP_RETRIES|KUBERNETES_[A-Z_]+|WEBSITE_[A-Z_]+|CONTAINER_APP_[A-Z_]+|AKS_[A-Z_]+|APPLICATIONINSIGHTS_[A-Z_]+|IDENTITY_(?:ENDPOINT|HEADER|SERVER_THUMBPRINT)|IMDS_ENDPOINT|MSI_(?:ENDPOINT|SECRET)|ACC_[A-Z]+|VERCEL(?:_[A-Z_]+)?|NETLIFY(?:_[A-Z_]+)?|NOW_[A-Z_]+|DYNO|RAILWAY_[A-Z_]+|RENDER(?:_[A-Z_]+)?|FLY_(?:APP_NAME|REGION|ALLOC_ID|MACHINE_ID)|HEROKU_APP_[A-Z_]+|CF_PAGES|IS_SERVERLESS|VBOX_[A-Z_]+|ZEIT_[A-Z_]+|SPACE_ID',
  ].join('|')})$`,
)

/** Proxies and endpoints that libraries read everywhere; worth a field only where the documentation names them. */
const INFRASTRUCTURE =
  /^(?:(?:https?|all|no|ftp|socks)_proxy|(?:HTTPS?|ALL|NO|FTP|SOCKS)_PROXY|OTEL_[A-Z0-9_]+|OTEL|DEBUG|debug|SSL_CERT_(?:FILE|DIR)|REQUESTS_CA_BUNDLE|NODE_TLS_REJECT_UNAUTHORIZED|AWS_[A-Z0-9_]+|AMAZON_[A-Z0-9_]+|AZURE_[A-Z0-9_]+|GOOGLE_(?:CLOUD_[A-Z_]+|APPLICATION_CREDENTIALS|SDK_[A-Z_]+|API_USE_[A-Z_]+|EXTERNAL_[A-Z_]+)|GCLOUD_PROJECT|GCP_PROJECT|CLOUDSDK_[A-Z_]+|PG[A-Z]+|PLAYWRIGHT_[A-Z0-9_]+|PW[A-Z_]*|PUPPETEER_[A-Z_]+|CHROME_[A-Z_]+|HOST|PORT|VERSION|SILENT|VERBOSE|QUIET|TEST|DEV|MCP_DANGEROUSLY_[A-Z_]+|SENTRY_[A-Z_]+|DO_NOT_TRACK|CACHE_DIR|LOGLEVEL|PREFIX|ENV|ENVIRONMENT|MODE|VCAP_[A-Z_]+)$/

export function isPlatformVariable(name: string): boolean {
  return PLATFORM.test(name)
}

export function isInfrastructureVariable(name: string): boolean {
  return INFRASTRUCTURE.test(name)
}

const words = (name: string): string[] =>
  name
    .replace(/^-+/, '')
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toUpperCase()
    .split(/[_\-.*\s]+/)
    .filter((word) => word !== '')

const SECRET_WORDS = new Set(
  'TOKEN SECRET PASSWORD PASSWD PASS PWD PASSPHRASE CREDENTIAL CREDENTIALS APIKEY COOKIE COOKIES PAT JWT BEARER TICKET MNEMONIC SIGNATURE SESSION'.split(
    ' ',
  ),
)
/** After these a name says something about a secret instead of being one. */
const NOT_SECRET_ENDS = new Set(
  'PATH FILE FILENAME DIR DIRECTORY FOLDER URL URI ENDPOINT HOST PORT ID IDS NAME EXPIRY EXPIRES EXPIRATION TTL TIMEOUT MS SECONDS LENGTH LIMIT COUNT SIZE TYPE MODE METHOD PROVIDER SCOPE SCOPES LOCATION HEADER ENABLED ENABLE REQUIRED ISSUER AUDIENCE PREFIX FORMAT VERSION ALGORITHM STORE STORAGE CACHE REGISTRY USERNAME USER EMAIL REGION DISABLED DAYS HOURS MINUTES PASSTHROUGH BUDGET RATE'.split(
    ' ',
  ),
)
const DATABASE = new Set(
  'DATABASE DB POSTGRES POSTGRESQL PG MYSQL MARIADB MONGO MONGODB MDB REDIS AMQP RABBITMQ MSSQL SQLSERVER CLICKHOUSE SNOWFLAKE COCKROACH NEO4J CASSANDRA SQL'.split(
    ' ',
  ),
)

/** Whether a name (variable, flag or word) stands for a value that nobody else may see. */
export function looksSecret(name: string): boolean {
  const parts = words(name)
  const last = parts.at(-1) ?? ''
  const joined = parts.join('_')
  if (
    /(?:^|_)(?:PUBLIC_KEY|SECRET_(?:NAME|ID)|TOKENS_(?:PER|MAX)|MAX_TOKENS?|TOKEN_CREDENTIALS|SSH_KEY)$/.test(
      joined,
    )
  )
    return false
  if (/(?:^|_)(?:WEBHOOK_(?:URL|URI)|CONNECTION_STRINGS?|CONN_STR|CONNECTIONS?_\*?)$/.test(joined))
    return true
  if (/^(?:[A-Z0-9]+_)?(?:CONNECTIONS|CONNECTION)(?:_?\*)?$/.test(joined)) return true
  if ((last === 'URL' || last === 'URI') && parts.some((part) => DATABASE.has(part))) return true
  if (last === 'DSN') return parts.length === 1 || parts.some((part) => DATABASE.has(part))
  if (NOT_SECRET_ENDS.has(last)) return false
  if (/^(?:MAX|MIN|ENABLE|DISABLE|USE|SKIP|REQUIRE|ALLOW|NO|HAS|IS|SHOW)$/.test(parts[0] ?? '')) return false
  if (parts.some((part) => SECRET_WORDS.has(part))) return true
  if (
    /(?:^|_)(?:API|ACCESS|SECRET|PRIVATE|ENCRYPTION|SIGNING|AUTH|SERVICE|SHARED|MASTER|ADMIN|ACCOUNT|SUBSCRIPTION|LICENSE|APP|APPLICATION|SERVICE_ROLE|ANON|PRO|DEV|USER)_KEYS?$/.test(
      joined,
    )
  )
    return true
  if (last === 'KEY' || last === 'KEYS')
    return parts.length <= 2 && !/^(?:SORT|PRIMARY|CACHE|PUBLIC|SSH|PROJECT)$/.test(parts[0] ?? '')
  if (last === 'AUTHORIZATION' || last === 'AUTH' || /(?:^|_)AUTH_(?:HEADERS?|COOKIES?)$/.test(joined))
    return parts.length > 1
  return /(?:^|_)MCP_HEADERS$|(?:^|_)API_HEADERS$/.test(joined)
}

/** Whether a name says that its value is no secret, whatever a form's author ticked. */
export function looksPublic(name: string): boolean {
  return NOT_SECRET_ENDS.has(words(name).at(-1) ?? '') && !looksSecret(name)
}

/** Settings of a server's own HTTP mode, which a server behind stdio never uses. */
export function looksHttpOnly(name: string): boolean {
  const joined = words(name).join('_')
  return /^(?:(?:[A-Z0-9]+_)?(?:HTTP|SSE|BIND|LISTEN)_(?:PORT|HOST|PATH|ADDRESS|ADDR|TOKEN|AUTH_TOKEN|BEARER_TOKEN|ENDPOINT|BIND|HARDEN)|MCP_(?:PORT|HOST|BIND_[A-Z]+|ALLOWED_(?:HOSTS|ORIGINS)|HTTP_[A-Z0-9_]+|SSE_[A-Z_]+|AUTH_(?:MODE|TOKEN|SECRET_KEY))|ALLOWED_(?:ORIGINS|HOSTS)|CORS_[A-Z_]+|PORT|HOST|SERVER_PORT|SERVER_HOST|[A-Z0-9]+_MCP_HTTP_[A-Z_]+)$/.test(
    joined,
  )
}

/** What kind of value a name asks for. */
export function formatOf(name: string): AnalysedVariable['format'] {
  const parts = words(name)
  const last = parts.at(-1) ?? ''
  if (/^(?:URL|URI|ENDPOINT|WEBHOOK)$/.test(last)) return 'url'
  if (/^(?:PATH|DIR|DIRECTORY|FOLDER|ROOT|PATHS)$/.test(last)) return 'path'
  if (last === 'FILE' || /(?:^|_)(?:APPLICATION_CREDENTIALS|KUBECONFIG|KEYFILE)$/.test(parts.join('_')))
    return 'file'
  if (/^(?:JSON|HEADERS)$/.test(last)) return 'json'
  if (/^(?:PORT|MS|SECONDS|TIMEOUT|LIMIT|COUNT|SIZE|RETRIES|TTL|MAX|MIN)$/.test(last)) return 'number'
  if (
    /^(?:ENABLED|DISABLED|DEBUG|VERBOSE|READONLY)$/.test(last) ||
    /^(?:ENABLE|DISABLE|USE|SKIP|IS|ALLOW)$/.test(parts[0] ?? '') ||
    /(?:^|_)(?:READ_ONLY|READ_ONLY_MODE|DRY_RUN)$/.test(parts.join('_'))
  )
    return 'boolean'
  return 'text'
}

const PLACEHOLDER =
  /^(?:<[^>]*>|\[[^\]]*\]|\{\{?[^}]*\}?\}|\$\{?[A-Za-z_][^}]*\}?|%[A-Z_]+%|x{3,}.*|\*{3,}|\.{3}|…|.*(?:\.\.\.|…|x{4,}|\*{4,}).*|.*(?:<|>|\[|\]|\{|\}).*)$/i
const YOURS =
  /(?:^|[^a-z])(?:your|my|insert|replace|enter|paste|change[-_ ]?me|placeholder|example|dummy|token[-_ ]?here|todo|fixme|sample|foo|bar)(?:$|[^a-z])/i

/** Whether a value in a document stands for one that the reader must put in. */
export function isPlaceholder(value: string): boolean {
  const text = value.trim()
  return (
    text === '' ||
    PLACEHOLDER.test(text) ||
    YOURS.test(text) ||
    /here$/i.test(text) ||
    /^[A-Z][A-Z0-9]*(?:[_-][A-Z0-9]+)+$/.test(text)
  )
}

/** A description of what turns something on. */
export const TURNS_ON = /^(?:set (?:(?:it|this) )?to|must be) [`'"]?(?:true|1)\b/i

/** Words that names of packages of this kind have, whatever they are about. */
export const GENERIC = /^(?:mcp|server|api|app|node)$/

/** `SENTRY_HOST` is infrastructure everywhere but in a package that is about Sentry. */
export function isNamedAfter(variable: string, packageName: string): boolean {
  const [owner = ''] = variable.toLowerCase().split('_')
  return (
    owner.length > 2 &&
    !GENERIC.test(owner) &&
    packageName
      .toLowerCase()
      .split(/[^a-z0-9]+/)
      .includes(owner)
  )
}
