interface CatalogueEntry {
  /** HTTP status that the API answers with. */
  readonly status: number
  /** Short, for headings and the troubleshooting page. */
  readonly title: string
  /** What the reader can do about it. */
  readonly help: string
}

/**
 * Every error that a user, a script or a client can meet. The key is the stable code; each has a section in
 * docs/troubleshooting.md. Messages are written where the error is thrown, because only there the names are known.
 */
const CATALOGUE = {
  // Requests
  invalid_request: {
    status: 400,
    title: 'The request is not valid',
    help: 'Correct the named field and send it again.',
  },
  unauthenticated: {
    status: 401,
    title: 'Not signed in',
    help: 'Sign in, or send an API key as a bearer token.',
  },
  invalid_credentials: { status: 401, title: 'Wrong email or password', help: 'Check both and try again.' },
  forbidden: {
    status: 403,
    title: 'Not allowed',
    help: 'Ask an owner or admin of the workspace to do it or to change your role.',
  },
  not_found: { status: 404, title: 'Not found', help: 'Check the address.' },
  method_not_allowed: {
    status: 405,
    title: 'Method not allowed',
    help: 'Use a method that the API description lists.',
  },
  payload_too_large: { status: 413, title: 'Too large', help: 'Send less at once.' },
  rate_limited: {
    status: 429,
    title: 'Too many requests',
    help: 'Wait for the time in Retry-After, then go on more slowly.',
  },
  internal: {
    status: 500,
    title: 'Something went wrong in Catwalk',
    help: 'Try again. If it stays, look up the request id in the log and report it.',
  },
  wrong_replica: {
    status: 421,
    title: 'This replica of Catwalk does something else',
    help: 'Whoever runs Catwalk: send /mcp/ to replicas with the role gateway, everything else to those with the role api (CATWALK_ROLES).',
  },
  unavailable: { status: 503, title: 'Not available right now', help: 'Try again in a moment.' },
  wait_timeout: {
    status: 504,
    title: 'Not done yet',
    help: 'It goes on without you. Look again with: bin/catwalk show',
  },
  setup_link_invalid: {
    status: 403,
    title: 'The set-up link does not work',
    help: 'Make a new one with: bin/catwalk setup-link',
  },
  workspace_not_found: {
    status: 404,
    title: 'No such workspace',
    help: 'List yours with: bin/catwalk workspace ls',
  },
  member_not_found: { status: 404, title: 'No such member', help: 'List them with: bin/catwalk member ls' },
  last_owner: {
    status: 409,
    title: 'A workspace needs an owner',
    help: 'Make another member an owner first.',
  },
  authorization_expired: {
    status: 410,
    title: 'The request of the client has expired',
    help: 'Connect again in the program that sent you here.',
  },
  authorization_not_allowed: {
    status: 403,
    title: 'You cannot allow this',
    help: 'Ask an owner of the deployment to invite you to its workspace, or sign in with another account.',
  },
  connection_not_found: {
    status: 404,
    title: 'No such connection',
    help: 'List them; it may have been revoked already.',
  },
  oauth_client_not_found: {
    status: 404,
    title: 'No such client',
    help: 'List the clients of the deployment.',
  },
  invitation_invalid: {
    status: 403,
    title: 'The invitation does not work',
    help: 'Ask whoever invited you for a new one.',
  },
  invitation_not_found: {
    status: 404,
    title: 'No such invitation',
    help: 'List them with: bin/catwalk invitation ls',
  },
  email_taken: {
    status: 409,
    title: 'There is such an account already',
    help: 'Sign in with it, then open the invitation again.',
  },
  sign_up_closed: {
    status: 403,
    title: 'No accounts are made here',
    help: 'Ask an admin of this Catwalk for an invitation.',
  },
  account_not_found: { status: 404, title: 'No such account', help: 'Check the email address.' },
  session_not_found: { status: 404, title: 'No such session', help: 'It may have ended already.' },
  api_key_not_found: {
    status: 404,
    title: 'No such API key',
    help: 'List them with: bin/catwalk key ls',
  },
  wrong_code: {
    status: 401,
    title: 'The code is wrong',
    help: 'Codes change every 30 seconds: enter the one that the app shows now. A recovery code works once.',
  },
  reauthentication_needed: {
    status: 403,
    title: 'Sign in again first',
    help: 'Sign out and in again, then do it within 10 minutes.',
  },
  second_factor_exists: {
    status: 409,
    title: 'One-time codes are on already',
    help: 'Turn them off first to set them up on another device.',
  },
  second_factor_missing: {
    status: 409,
    title: 'One-time codes are off',
    help: 'Set them up under Account first.',
  },
  provider_not_found: {
    status: 404,
    title: 'No such provider',
    help: 'Sign in by one that the sign-in page shows.',
  },
  account_not_linked: { status: 404, title: 'No such account is linked', help: 'Look under Account.' },
  last_way_in: {
    status: 409,
    title: 'There would be no way left to sign in',
    help: 'Set a password, add a passkey or link another account first.',
  },
  mail_not_set_up: {
    status: 409,
    title: 'This Catwalk sends no mail',
    help: 'Ask whoever runs it: they set CATWALK_SMTP_URL, or make a reset link with bin/catwalk account reset EMAIL.',
  },
  verification_link_invalid: {
    status: 403,
    title: 'The link does not work',
    help: 'Have a new one sent under Account.',
  },
  passkey_refused: {
    status: 401,
    title: 'The passkey does not work',
    help: 'Try again, or sign in another way and add it anew under Account.',
  },
  passkey_not_found: { status: 404, title: 'No such passkey', help: 'It may have been removed already.' },
  device_login_invalid: {
    status: 404,
    title: 'No such login waits',
    help: 'Codes last 10 minutes and work once. Start again with: bin/catwalk login',
  },
  reset_link_invalid: {
    status: 403,
    title: 'The link does not work',
    help: 'Ask an admin of this Catwalk for a new one: bin/catwalk account reset EMAIL',
  },
  setup_done: { status: 409, title: 'Catwalk is already set up', help: 'Sign in with the owner account.' },

  // Sources and packages
  invalid_source: {
    status: 400,
    title: 'Not a source that Catwalk knows',
    help: 'Paste a link to a repository, owner/name, npm:name, pypi:name, oci:image, registry:name, the https address of a server or of a bundle (.mcpb), or an mcpServers snippet.',
  },
  source_not_deployable: {
    status: 422,
    title: 'This kind of source cannot be deployed yet',
    help: 'Deploy the package that the server is published as: npm:name.',
  },
  source_not_found: {
    status: 404,
    title: 'No such repository, branch or folder',
    help: 'Check the address. A private repository needs a token with access to it.',
  },
  source_forbidden: {
    status: 403,
    title: 'No access to the repository',
    help: 'Give a token that may read the contents of the repository, or renew the one that is set.',
  },
  source_rate_limited: {
    status: 429,
    title: 'The host of the repository allows no more requests for now',
    help: 'Wait for the time that is named, or set a token: with one the limit is far higher.',
  },
  source_unavailable: {
    status: 502,
    title: 'The host of the source does not answer',
    help: 'Check the network, then try again.',
  },
  source_refused: {
    status: 422,
    title: 'This address may not be read',
    help: 'Only https addresses on the public internet can be read.',
  },
  source_too_large: {
    status: 422,
    title: 'The source is too large to be read',
    help: 'Choose a folder or package with the server alone, or deploy the package that it is published as.',
  },
  source_malformed: {
    status: 422,
    title: 'The files of the source cannot be unpacked safely',
    help: 'Remove what the message names from the repository or package.',
  },
  source_timeout: {
    status: 504,
    title: 'Reading the source took too long',
    help: 'Try again, or choose a smaller source.',
  },
  invalid_package: {
    status: 400,
    title: 'Not a valid package name',
    help: 'Check the spelling in the package index and paste it without extra characters.',
  },
  package_not_found: {
    status: 404,
    title: 'No such package',
    help: 'Check the spelling in the package index. Names are case-sensitive.',
  },
  version_not_found: {
    status: 404,
    title: 'No such version',
    help: 'Choose a version that is published, or leave it out for the latest.',
  },
  package_index_unavailable: {
    status: 502,
    title: 'The package index does not answer',
    help: 'Check the network and the registry setting, then try again.',
  },
  no_executable: {
    status: 422,
    title: 'The package has nothing to run',
    help: 'Choose the package that contains the server. A library cannot be deployed.',
  },
  analysis_failed: {
    status: 422,
    title: 'The source cannot be read',
    help: 'Choose a sub-folder of the source that holds only the server, or describe the server by hand.',
  },
  install_failed: {
    status: 422,
    title: 'The package could not be installed',
    help: 'Read the last output: it names the dependency that failed.',
  },
  install_scripts_needed: {
    status: 422,
    title: 'The server needs its install scripts',
    help: 'Deploy it again and allow install scripts (CLI: --allow-scripts). They run in the sandbox.',
  },
  python_unavailable: {
    status: 503,
    title: 'There is no suitable Python on this machine',
    help: 'Install a Python that fits, with venv (Debian, Ubuntu: sudo apt-get install python3-venv), below /usr, and deploy again.',
  },
  install_timeout: {
    status: 504,
    title: 'The installation took too long',
    help: 'Try again: what was downloaded is kept. Raise CATWALK_INSTALL_TIMEOUT_S for very large packages.',
  },

  // Analyses
  analysis_not_found: {
    status: 404,
    title: 'No such analysis',
    help: 'Analyse the source again.',
  },
  analysis_timeout: {
    status: 504,
    title: 'The analysis took too long',
    help: 'Try again: what was fetched is kept. Without a trial start (--no-boot) it is shorter.',
  },
  analysis_cancelled: {
    status: 409,
    title: 'The analysis was cancelled',
    help: 'Start it again and keep the page or the command open until it is done.',
  },
  too_many_analyses: {
    status: 429,
    title: 'Too many analyses at once',
    help: 'Wait until one of them is done, then try again.',
  },
  not_a_server: {
    status: 422,
    title: 'This is not an MCP server',
    help: 'Check the link. If you know better, confirm the warnings (--yes) to deploy it all the same.',
  },
  server_not_found: {
    status: 404,
    title: 'The source has no server of this name',
    help: 'Choose one of those that the analysis lists.',
  },
  unconfirmed_warnings: {
    status: 409,
    title: 'There are warnings to confirm first',
    help: 'Read them. To deploy all the same, confirm them (confirmWarnings; --yes on the command line).',
  },

  // Deployments
  deployment_not_found: {
    status: 404,
    title: 'No such deployment',
    help: 'List what there is with: bin/catwalk ls',
  },
  deployment_deleting: {
    status: 409,
    title: 'The deployment is being deleted',
    help: 'Deploy it again under another name, or wait until it is gone.',
  },
  deployment_not_running: {
    status: 409,
    title: 'The deployment is not running',
    help: 'Start it, then try again.',
  },
  release_not_found: {
    status: 404,
    title: 'No such release',
    help: 'List the releases with: bin/catwalk releases',
  },
  account_needed: {
    status: 503,
    title: 'An account must be connected',
    help: 'Connect it in the room of the deployment; the server goes on by itself.',
  },
  account_not_wanted: {
    status: 404,
    title: 'It works with no such account',
    help: 'List the accounts of the deployment. Which credentials come from accounts is part of its release.',
  },
  account_provider_not_found: {
    status: 404,
    title: 'No such provider of accounts',
    help: 'List the providers of the workspace; an admin adds them under Settings.',
  },
  account_provider_in_use: {
    status: 409,
    title: 'Accounts are connected by way of the provider',
    help: 'Disconnect them first.',
  },
  account_attempt_invalid: {
    status: 400,
    title: 'The answer fits no attempt to connect an account',
    help: 'Begin again in the same browser, and do not follow such links of others.',
  },
  account_refused: {
    status: 409,
    title: 'The service did not connect the account',
    help: 'Try again and allow it there. If it refuses again, an admin looks whether client id, secret, scopes and redirect address are registered there as they are here.',
  },
  own_credentials_needed: {
    status: 403,
    title: 'The server needs your own credentials',
    help: 'Bring them on the page that the message names, then try again. Nobody else sees or uses them.',
  },
  own_credentials_not_wanted: {
    status: 404,
    title: 'It asks for no credentials of your own',
    help: 'List the deployments that do. The owner of a deployment decides which credentials each member brings.',
  },
  nobody_behind_call: {
    status: 403,
    title: "The call is on nobody's behalf",
    help: 'Every member uses the server with their own credentials. Sign in with your client, or use an endpoint token that you made yourself while signed in.',
  },
  wake_failed: {
    status: 503,
    title: 'The server did not start for the call',
    help: 'Try again in a moment: it is started again. Its owner finds the reason in the events and logs of the deployment.',
  },
  node_lost: {
    status: 503,
    title: 'The machine that runs it does not answer',
    help: 'Start Catwalk on that machine again: the data of the deployment is there. A deployment that keeps no data is started elsewhere by itself.',
  },
  quota_exceeded: {
    status: 409,
    title: 'The workspace may not use more',
    help: 'Delete a deployment, lower a memory limit, or ask an administrator of the installation for more.',
  },
  slug_taken: {
    status: 409,
    title: 'The endpoint name is taken',
    help: 'Choose another one. Endpoint names are shared by all workspaces.',
  },
  collection_not_found: {
    status: 404,
    title: 'No such collection',
    help: 'List them with: bin/catwalk collections ls',
  },
  not_in_collection: {
    status: 404,
    title: 'The deployment is not in the collection',
    help: 'See what is in it with: bin/catwalk collections show COLLECTION',
  },
  collection_full: {
    status: 409,
    title: 'The collection has as many deployments as it can',
    help: 'Take one out, or make another collection.',
  },
  prefix_invalid: {
    status: 400,
    title: 'The prefix cannot be used',
    help: 'Choose letters, digits and hyphens, so that names stay within what MCP allows.',
  },
  prefix_taken: {
    status: 409,
    title: 'The prefix is taken',
    help: 'Choose another one: it tells the tools of one deployment from those of another.',
  },
  deployment_file_invalid: {
    status: 400,
    title: 'Not a file of a deployment',
    help: 'Export the deployment again and import the file as it is.',
  },
  deployment_file_newer: {
    status: 400,
    title: 'The file is of a newer Catwalk',
    help: 'Upgrade this Catwalk, then import it again.',
  },
  passphrase_wrong: {
    status: 400,
    title: 'The passphrase does not open the file',
    help: 'Check the passphrase. If it is right, the file was changed after the export: import it without passphrase and give the values yourself.',
  },
  token_not_found: {
    status: 404,
    title: 'No such endpoint token',
    help: 'List the tokens of the deployment with: bin/catwalk token ls',
  },
  missing_variable: {
    status: 422,
    title: 'A required variable has no value',
    help: 'Give every value that is named and deploy again.',
  },
  invalid_variable: {
    status: 400,
    title: 'Not a valid environment variable',
    help: 'Names are letters, digits and underscores, not starting with a digit. Values must not be empty or contain a NUL.',
  },

  // Starting a server
  sandbox_unavailable: {
    status: 503,
    title: 'There is no working sandbox on this machine',
    help: 'Install bubblewrap (Debian, Ubuntu: sudo apt-get install bubblewrap) and start Catwalk again.',
  },
  runtime_unavailable: {
    status: 422,
    title: 'This installation does not run servers there',
    help: 'Choose a runtime that `catwalk doctor` lists, or have an operator switch this one on.',
  },
  server_exited: {
    status: 422,
    title: 'The server ended at once',
    help: 'Read its last output: most servers say what they miss. Then correct the settings and deploy again.',
  },
  server_silent: {
    status: 504,
    title: 'The server does not answer',
    help: 'It started, but did not speak MCP on its standard input and output in time. Check whether it needs an argument or sub-command to use stdio.',
  },
  server_not_mcp: {
    status: 422,
    title: 'The server does not speak MCP',
    help: 'What it printed is not MCP. Check that this is an MCP server, and whether it needs an argument to use stdio.',
  },
  server_refused: {
    status: 422,
    title: 'The server answered with an error',
    help: 'Its own message is shown. Correct what it names and deploy again.',
  },
  home_full: {
    status: 422,
    title: 'The home of the server is full',
    help: 'Whoever runs Catwalk can raise CATWALK_HOME_MIB, or remove files from the home below the data directory; then restart the deployment. Deleting it deletes its home.',
  },
  server_out_of_memory: {
    status: 422,
    title: 'The server ran out of memory',
    help: 'Raise the memory limit of the deployment.',
  },
  tool_disabled: {
    status: 403,
    title: 'The tool is switched off',
    help: 'A member of the workspace can switch it on: bin/catwalk tools enable DEPLOYMENT TOOL',
  },
  tool_blocked: {
    status: 409,
    title: 'The tool is not the one that was approved',
    help: 'A member of the workspace looks at what changed and accepts it: bin/catwalk tools review DEPLOYMENT',
  },
  tool_changed_again: {
    status: 409,
    title: 'The tool has changed once more',
    help: 'Look at what it is now before you decide.',
  },
  tool_renamed: {
    status: 404,
    title: 'The tool has another name here',
    help: 'List the tools again and use the name that is listed.',
  },
  tool_name_taken: {
    status: 409,
    title: 'Another tool has the name',
    help: 'Choose another name, or rename the other tool first.',
  },
  tool_not_found: {
    status: 404,
    title: 'No such tool',
    help: 'List what there is with: bin/catwalk tools DEPLOYMENT',
  },
  remote_unauthorized: {
    status: 422,
    title: 'The remote server does not let us in',
    help: 'Give it the header that its documentation names, with a valid token: bin/catwalk deploy URL --header "Authorization: Bearer {TOKEN}" --env TOKEN.',
  },
  remote_unavailable: {
    status: 502,
    title: 'The remote server does not answer',
    help: 'Whoever runs it has to bring it back. It is asked again by itself; what was being called must be called again.',
  },
  remote_busy: {
    status: 429,
    title: 'The remote server allows no more requests for now',
    help: 'Wait for the time that is named, or ask whoever runs it for a higher limit.',
  },
  remote_refused: {
    status: 422,
    title: 'This remote server may not be reached',
    help: 'Remote servers are reached over https on the public internet. An operator can allow others: CATWALK_REMOTE_ORIGINS.',
  },
  tool_call_failed: {
    status: 502,
    title: 'The call did not succeed',
    help: "The message is the server's own. Check the arguments against the tool's schema.",
  },

  // Starting Catwalk itself
  config_invalid: {
    status: 500,
    title: 'The configuration cannot work',
    help: 'Correct the named variable and start again.',
  },
  database_unreachable: {
    status: 503,
    title: 'The database cannot be reached',
    help: 'Check DATABASE_URL and that PostgreSQL runs.',
  },
  disk_full: {
    status: 507,
    title: 'A disk of Catwalk is full',
    help: 'Whoever runs Catwalk makes room on the disk of the data directory, or of the database. Servers that run go on meanwhile.',
  },
  database_newer: {
    status: 500,
    title: 'The database is newer than this program',
    help: 'Start the newer version of Catwalk, or restore a backup made by this one.',
  },
  backup_invalid: {
    status: 422,
    title: 'Not a backup that can be restored',
    help: 'Check that the file is whole and was made with: bin/catwalk backup. Nothing was changed.',
  },
  restore_not_empty: {
    status: 409,
    title: 'There is something already where the backup should go',
    help: 'Restore into a database, or a data directory, that was never used.',
  },
  migration_failed: {
    status: 500,
    title: 'The database could not be upgraded',
    help: 'Nothing was changed by the step that failed. Correct what the message names and start again, or go back to the former version.',
  },
  data_dir_in_use: {
    status: 500,
    title: 'The data directory is in use',
    help: 'Stop the other Catwalk, or choose another directory with --data-dir or CATWALK_DATA_DIR.',
  },
  master_key_missing: {
    status: 500,
    title: 'The master key is missing',
    help: 'Put the key back (CATWALK_MASTER_KEY, or master.key in the data directory). Without it no stored credential can be read.',
  },
  master_key_wrong: {
    status: 500,
    title: 'The master key does not fit',
    help: 'The stored credentials were encrypted under another key. Put the right one back.',
  },
  master_key_incomplete: {
    status: 500,
    title: 'A master key that is still needed is missing',
    help: 'Put the named key back behind the newest one, then finish the rotation with: bin/catwalk keys rotate',
  },
  keys_from_environment: {
    status: 409,
    title: 'The keys are not in a file of Catwalk',
    help: 'Change CATWALK_MASTER_KEY where it is set, with the newest key first, and start Catwalk again. See docs/keys.md.',
  },
  key_not_found: { status: 404, title: 'No such key', help: 'List the keys with: bin/catwalk keys status' },
  key_in_use: {
    status: 409,
    title: 'The key is still needed',
    help: 'Encrypt everything anew with: bin/catwalk keys rotate --wait',
  },
  service_key_refused: {
    status: 422,
    title: 'The service does not take the key',
    help: 'Make a new key at the service, or check that this one was copied whole. Nothing was saved.',
  },
  notice_channel_not_found: {
    status: 404,
    title: 'No such address for notices',
    help: 'List them with: bin/catwalk notices ls',
  },
  service_unreachable: {
    status: 502,
    title: 'The service could not be asked about the key',
    help: 'Check the network, then try again. Nothing was saved.',
  },
  credential_unreadable: {
    status: 500,
    title: 'A credential cannot be decrypted',
    help: 'Enter its value again. If you did not change the database, look at who can write to it.',
  },
  port_in_use: {
    status: 500,
    title: 'The port is taken',
    help: 'Stop the other program, or choose another port with --port or CATWALK_PORT.',
  },
} as const satisfies Record<string, CatalogueEntry>

export type ErrorCode = keyof typeof CATALOGUE

// The keys of a constant that is declared just above.
export const ERROR_CODES = Object.keys(CATALOGUE) as readonly ErrorCode[]

/** The catalogue's entry for a code. */
export function describeError(code: ErrorCode): CatalogueEntry {
  return CATALOGUE[code]
}

/** What API, CLI and dashboard show of an error. `docs` is a path on the dashboard's own origin. */
export interface ErrorBody {
  readonly error: ErrorCode
  readonly message: string
  readonly help: string
  readonly docs: string
  readonly requestId?: string
  readonly details?: Readonly<Record<string, unknown>>
}

export interface CatwalkErrorOptions {
  /** Replaces the catalogue's help where the thrower knows better. */
  readonly help?: string
  /** Public facts for programs, such as `{ field: 'source' }`. Never a secret. */
  readonly details?: Readonly<Record<string, unknown>>
  /** Internal; goes to the log with the request id, never to the caller. */
  readonly cause?: unknown
}

/** An error of the catalogue. `message` is public. */
export class CatwalkError extends Error {
  readonly code: ErrorCode
  readonly help: string
  readonly details: Readonly<Record<string, unknown>> | undefined

  constructor(code: ErrorCode, message: string, options: CatwalkErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'CatwalkError'
    this.code = code
    this.help = options.help ?? CATALOGUE[code].help
    this.details = options.details
  }

  get status(): number {
    return CATALOGUE[this.code].status
  }

  toBody(requestId?: string): ErrorBody {
    return {
      error: this.code,
      message: this.message,
      help: this.help,
      docs: docsPath(this.code),
      ...(requestId === undefined ? {} : { requestId }),
      ...(this.details === undefined ? {} : { details: this.details }),
    }
  }
}

/** Where the code is explained, e.g. `/docs/troubleshooting#invalid-package`. */
export function docsPath(code: ErrorCode): string {
  return `/docs/troubleshooting#${code.replaceAll('_', '-')}`
}
