import { Command, Option } from 'commander'
import { addAdministration } from './administration.ts'
import { BRIDGE_HOST } from './bridge-command.ts'
import { addTools } from './tool-commands.ts'
import { addCollections } from './collection-commands.ts'
import { addConnections } from './connection-commands.ts'
import { addCredentials } from './credential-commands.ts'
import { addProviders } from './provider-commands.ts'
import type { CommandContext, CommonOptions } from './context.ts'
import { addDeploymentFiles } from './deployment-file-commands.ts'
import { addLogins } from './login-commands.ts'
import { readMoment } from './moment.ts'
import type { ExitCode } from './exit-codes.ts'
import type { CliHost } from './output.ts'
import { CLIENTS, collect, DEPLOYMENT, networkOption, timeoutOption, wholeNumber } from './options.ts'
import type { Programs, ServeFlag } from './programs.ts'
import { addReleases } from './release-commands.ts'
import type { AnalyzeOptions } from './commands/analyze.ts'
import type { CallOptions } from './commands/call.ts'
import type { CallsOptions } from './commands/calls.ts'
import type { SettingsOptions } from './commands/settings.ts'
import type { ConnectOptions } from './commands/connect.ts'
import type { DeployOptions } from './commands/deploy.ts'
import type { LifecycleOptions, RemoveOptions } from './commands/lifecycle.ts'
import type { LogsOptions } from './commands/logs.ts'
import type { SearchOptions, SyncOptions } from './commands/registry.ts'
import type { RangeOptions, UsageOptions } from './commands/usage.ts'
import type { AddTokenOptions, ChangeTokenOptions, RotateTokenOptions } from './commands/token.ts'
import type { Wish } from './commands/quotas.ts'

export interface ProgramOptions {
  readonly programs: Programs
  readonly host: CliHost
  readonly json: boolean
  readonly serveFlags: readonly ServeFlag[]
  /** Runs a command that talks to a server. */
  readonly run: (
    options: CommonOptions,
    action: (context: CommandContext) => Promise<ExitCode | void>,
  ) => Promise<void>
}

/** The command line: names, flags and help. Each command's code is loaded when it runs. */
export function createProgram({ programs, host, json, serveFlags, run }: ProgramOptions): Command {
  const program = new Command('catwalk')
    .description('Runs MCP servers and gives each an endpoint.')
    .version(programs.version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void host.stdout.write(text),
      writeErr: (text) => void (json || host.stderr.write(text)),
    })
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .addHelpText('after', '\nHelp for one command: catwalk help COMMAND')

  addServing(program, programs, serveFlags)
  addLogins(program, run)
  addDeploying(program, run)
  addUsing(program, run)
  addChanging(program, run)
  addReleases(program, run)
  addAdministration(program, run, programs)
  for (const command of program.commands) addServerOptions(command)
  return program
}

type Run = ProgramOptions['run']

function addServing(program: Command, programs: Programs, serveFlags: readonly ServeFlag[]): void {
  program.commandsGroup('Run:')
  const serve = program.command('serve').description('run Catwalk: dashboard, API and endpoints')
  for (const { flags, description } of serveFlags) serve.option(flags, description)
  serve.action((flags: Record<string, string | boolean>) => programs.serve(flags))

  program
    .command('bridge')
    .description('put one stdio server on HTTP, without anything else of Catwalk')
    .argument('<command...>', 'the server and its arguments, after --')
    .requiredOption('--port <number>', 'port to listen on; 0 for any that is free', wholeNumber(0, 65_535))
    .option('--host <address>', 'address to listen on', BRIDGE_HOST)
    .option(
      '--secret-file <path>',
      'file with a secret that callers have to show; for an instance behind a gateway',
    )
    .passThroughOptions()
    .action((words: string[], options: { port: number; host: string; secretFile?: string }) => {
      const [command, ...args] = words
      // Commander refuses a required argument that is missing.
      return command === undefined ? undefined : programs.bridge({ ...options, command: [command, ...args] })
    })
}

function addDeploying(program: Command, run: Run): void {
  program.commandsGroup('Deploy:')
  program
    .command('deploy')
    .description('deploy a server and wait until it answers')
    .argument('<source>', SOURCE)
    .option('--server <name>', 'which server, where the source has several')
    .option('-y, --yes', 'deploy in spite of warnings')
    .option('--file <name=path>', 'a variable whose value is the content of a file', collect)
    .option('--name <text>', 'name for people; default: made from the package')
    .option('--slug <text>', 'last part of the endpoint; default: made from the name')
    .option(
      '--env <NAME=VALUE>',
      'variable; NAME takes it from the environment, NAME=- from standard input',
      collect,
    )
    .option('--env-file <path>', 'variables, one NAME=value a line')
    .option(
      '--header <text>',
      'what a remote server is sent, as in "Authorization: Bearer {TOKEN}" with --env TOKEN=…; may be repeated',
      collect,
    )
    .option('--personal <name>', 'a variable of which each member brings their own value', collect)
    .option(
      '--account <NAME=PROVIDER>',
      'a variable whose value is the token of a connected account',
      collect,
    )
    .option('--arg <text>', 'argument for the server, as it is; may be repeated', collect)
    .option('--executable <name>', "which of the package's executables to run")
    .addOption(
      new Option('--runtime <name>', 'where it runs').choices([
        'local',
        'docker',
        'fly',
        'kubernetes',
        'remote',
      ]),
    )
    .addOption(networkOption())
    .option('--allow-scripts', "run the package's install scripts, in the sandbox")
    .option('--allow-missing', 'deploy although values are missing that the analysis calls required')
    .option('--memory <MiB>', 'memory limit', wholeNumber(64, 16_384))
    .option('--wait', 'wait until it answers (the default)')
    .option('--no-wait', 'return as soon as it is accepted')
    .addOption(timeoutOption())
    .action((source: string, options: DeployOptions) =>
      run(options, async (context) =>
        (await import('./commands/deploy.ts')).deploy(context, source, options),
      ),
    )
  program
    .command('analyze')
    .description('find out what a source is and needs, without deploying it')
    .argument('<source>', SOURCE)
    .option('--server <name>', 'which server, where the source has several')
    .option('--fresh', 'analyse anew, whatever was kept')
    .option('--no-boot', 'do not try it out in the sandbox')
    .option('--no-model', 'do not ask the language model')
    .addOption(timeoutOption(200))
    .action((source: string, options: AnalyzeOptions) =>
      run(options, async (context) =>
        (await import('./commands/analyze.ts')).analyze(context, source, options),
      ),
    )
  addDeploymentFiles(program, run)
  addRegistry(program.command('registry').description('the public registries of servers'), run)
  program
    .command('connect')
    .description('print ready-made lines that make a client use a deployment')
    .argument('<deployment>', DEPLOYMENT)
    .addOption(new Option('--client <name>', 'only for this one').choices(CLIENTS))
    .option('--token <secret>', 'endpoint token to write into them')
    .action((id: string, options: ConnectOptions) =>
      run(options, async (context) =>
        (await import('./commands/connect.ts')).connectClient(context, id, options),
      ),
    )
  program
    .command('setup-link')
    .description('make a new link to set up the owner account')
    .action((options: CommonOptions) =>
      run(options, async (context) => (await import('./commands/set-up-link.ts')).setUpLink(context)),
    )
}

function addRegistry(registry: Command, run: Run): void {
  registry
    .command('search')
    .description('find servers by words; without any the newest')
    .argument('[words...]', 'words, "a phrase", -without')
    .option('-n, --limit <number>', 'how many at most', wholeNumber(1, 100), 20)
    .option('--cursor <text>', 'go on where an earlier search ended')
    .action((words: string[], options: SearchOptions) =>
      run(options, async (context) =>
        (await import('./commands/registry.ts')).searchRegistry(context, words, options),
      ),
    )
  registry
    .command('status')
    .description('show how fresh the copy of each registry is')
    .action((options: CommonOptions) =>
      run(options, async (context) => (await import('./commands/registry.ts')).registryStatus(context)),
    )
  registry
    .command('sync')
    .description('ask the registries now what changed')
    .option('--wait', 'wait until each has answered')
    .addOption(timeoutOption())
    .action((options: SyncOptions) =>
      run(options, async (context) =>
        (await import('./commands/registry.ts')).syncRegistries(context, options),
      ),
    )
}

function addUsing(program: Command, run: Run): void {
  program.commandsGroup('Look and use:')
  program
    .command('ls')
    .description('list the deployments')
    .action((options: CommonOptions) =>
      run(options, async (context) => (await import('./commands/list.ts')).list(context)),
    )
  program
    .command('show')
    .description('show one deployment')
    .argument('<deployment>', DEPLOYMENT)
    .action((id: string, options: CommonOptions) =>
      run(options, async (context) => (await import('./commands/show.ts')).show(context, id)),
    )
  program
    .command('logs')
    .description('show what a server and its installation wrote')
    .argument('<deployment>', DEPLOYMENT)
    .option('-f, --follow', 'go on with what comes')
    .option('-n, --lines <number>', 'how many of the last lines', wholeNumber(1, 1000), 200)
    .option('--search <text>', 'only lines with this text, in any case')
    .addOption(
      new Option('--stream <stream>', 'only this one; program is stdout and stderr').choices([
        'stdout',
        'stderr',
        'system',
        'program',
      ]),
    )
    .option('--since <time>', 'only from this time on: 2026-01-31T12:00:00Z, or 15m, 2h, 7d ago', moment)
    .option('--until <time>', 'only before this time', moment)
    .option('--release <number>', 'only of this release', wholeNumber(1, 2_147_483_647))
    .option('--instance <id>', 'only of this instance')
    .option('--download <file>', 'write all lines that are kept to a file; - for standard output')
    .action((id: string, options: LogsOptions) =>
      run(options, async (context) => (await import('./commands/logs.ts')).logs(context, id, options)),
    )
  program
    .command('settings')
    .description('show or change what needs no new release: access, allowed origins, processes, data, sleep')
    .argument('<deployment>', DEPLOYMENT)
    .addOption(
      new Option('--access <mode>', 'how callers show who they are; public lets everybody in').choices([
        'token',
        'oauth',
        'both',
        'public',
      ]),
    )
    .option('--origin <origin>', 'web page that may call, in place of the former; may be repeated', collect)
    .option('--no-origins', 'no web page but our own and those on localhost may call')
    .addOption(
      new Option('--processes <policy>', 'whether sessions share a process').choices([
        'auto',
        'shared',
        'per-session',
      ]),
    )
    .option('--stateful', 'a session ends with the process that served it')
    .option('--no-stateful', 'a session goes on in another process, without what the server remembered')
    .option('--keep-data', 'its files must be there tomorrow: it stays on its machine')
    .option('--no-keep-data', 'it may start on another machine when its own is gone')
    .option('--always-on', 'it runs also when nobody calls it')
    .option('--no-always-on', 'it sleeps when nobody calls it, and a call wakes it')
    .option(
      '--idle-timeout <seconds>',
      'how long nobody must have called it before it sleeps, or "default"',
      (text: string) => (text === 'default' ? text : wholeNumber(1, 604_800)(text)),
    )
    .action((id: string, options: SettingsOptions) =>
      run(options, async (context) =>
        (await import('./commands/settings.ts')).settings(context, id, options),
      ),
    )
  program
    .command('calls')
    .description('show who called what, of one deployment or all')
    .argument('[deployment]', DEPLOYMENT)
    .option('--token <name>', 'only with this token, by name or id')
    .option('--tool <name>', 'only this tool, prompt or resource')
    .option('--who <person>', 'only of this person, by address, or of this id')
    .addOption(
      new Option('--outcome <outcome>', 'only with this outcome').choices([
        'ok',
        'tool_error',
        'error',
        'cancelled',
        'failed',
        'limited',
        'unavailable',
      ]),
    )
    .option('--since <time>', 'only from this time on: 2026-01-31T12:00:00Z, or 15m, 2h, 7d ago', moment)
    .option('--until <time>', 'only before this time', moment)
    .option('-n, --lines <number>', 'how many of the last', wholeNumber(1, 1000), 100)
    .action((id: string | undefined, options: CallsOptions) =>
      run(options, async (context) => (await import('./commands/calls.ts')).calls(context, id, options)),
    )
  program
    .command('usage')
    .description('show calls, errors and latency, of one deployment or all')
    .argument('[deployment]', DEPLOYMENT)
    .option('--since <time>', 'from this time on: 2026-01-31T12:00:00Z, or 15m, 2h, 7d ago', moment)
    .option('--until <time>', 'before this time', moment)
    .addOption(
      new Option('--by <what>', 'tell apart by this; tool for one deployment, else deployment').choices([
        'tool',
        'token',
        'subject',
        'deployment',
      ]),
    )
    .addOption(
      new Option('--step <step>', 'show it over time as well, by this').choices(['minute', 'hour', 'day']),
    )
    .action((id: string | undefined, options: UsageOptions) =>
      run(options, async (context) => (await import('./commands/usage.ts')).usage(context, id, options)),
    )
  program
    .command('cost')
    .description('show how long servers were awake, with how much memory, and what that costs')
    .argument('[deployment]', DEPLOYMENT)
    .option('--since <time>', 'from this time on: 2026-01-31T12:00:00Z, or 15m, 2h, 7d ago', moment)
    .option('--until <time>', 'before this time', moment)
    .action((id: string | undefined, options: RangeOptions) =>
      run(options, async (context) => (await import('./commands/usage.ts')).cost(context, id, options)),
    )
  addTools(program, run)
  program
    .command('call')
    .description('call a tool')
    .argument('<deployment>', DEPLOYMENT)
    .argument('<tool>', 'name of the tool')
    .argument('[json]', 'its arguments as a JSON object; - reads standard input')
    .addOption(timeoutOption(150))
    .action((id: string, tool: string, body: string | undefined, options: CallOptions) =>
      run(options, async (context) =>
        (await import('./commands/call.ts')).callTool(context, id, tool, body, options),
      ),
    )
}

function addChanging(program: Command, run: Run): void {
  program.commandsGroup('Change:')
  for (const [verb, description] of [
    ['stop', 'end its instances; the endpoint stays reserved'],
    ['start', 'start it again; a failed one is tried again'],
    ['restart', 'end its instances and start new ones'],
  ] as const) {
    program
      .command(verb)
      .description(description)
      .argument('<deployment>', DEPLOYMENT)
      .option('--wait', 'wait until it is done')
      .addOption(timeoutOption())
      .action((id: string, options: LifecycleOptions) =>
        run(options, async (context) =>
          (await import('./commands/lifecycle.ts')).changeState(context, verb, id, options),
        ),
      )
  }
  program
    .command('rm')
    .description('delete a deployment and everything it has')
    .argument('<deployment>', DEPLOYMENT)
    .option('-y, --yes', 'do not ask')
    .option('--wait', 'wait until it is gone')
    .addOption(timeoutOption())
    .action((id: string, options: RemoveOptions) =>
      run(options, async (context) => (await import('./commands/lifecycle.ts')).remove(context, id, options)),
    )
  addCollections(program, run)
  addConnections(program, run)
  addCredentials(program, run)
  addProviders(program, run)
  addTokens(program.command('token').description('list, add, rotate and revoke endpoint tokens'), run)
}

function addTokens(token: Command, run: Run): void {
  token
    .command('ls')
    .description('list the tokens of a deployment')
    .argument('<deployment>', DEPLOYMENT)
    .action((id: string, options: CommonOptions) =>
      run(options, async (context) => (await import('./commands/token.ts')).listTokens(context, id)),
    )
  token
    .command('add')
    .description('add a token and print it; it is shown this once')
    .argument('<deployment>', DEPLOYMENT)
    .option('--name <text>', 'name to recognise it by', 'cli')
    .option('--expires <days>', 'when it stops working; default: never', wholeNumber(1, 3650))
    .addOption(
      new Option('--scope <scope>', 'read: lists and reads, but calls no tools')
        .choices(['read', 'full'])
        .default('full'),
    )
    .option('--calls-per-minute <number>', 'requests a minute at most, on each replica', TOKEN_LIMIT)
    .option('--concurrent-calls <number>', 'requests under way at once at most, likewise', TOKEN_LIMIT)
    .action((id: string, options: AddTokenOptions) =>
      run(options, async (context) => (await import('./commands/token.ts')).addToken(context, id, options)),
    )
  token
    .command('change')
    .description('change the name of a token, or what it may at most; it stays the same token')
    .argument('<deployment>', DEPLOYMENT)
    .argument('<token>', 'id or name of the token')
    .option('--name <text>', 'name to recognise it by')
    .option('--calls-per-minute <number>', 'requests a minute; "default" is as every token', wish)
    .option('--concurrent-calls <number>', 'requests under way at once; "default" is as every token', wish)
    .action((id: string, name: string, options: ChangeTokenOptions) =>
      run(options, async (context) =>
        (await import('./commands/token.ts')).changeToken(context, id, name, options),
      ),
    )
  token
    .command('rotate')
    .description('replace a token and print the new one; the old one works on for a while')
    .argument('<deployment>', DEPLOYMENT)
    .argument('<token>', 'id or name of the token')
    .option('--grace <hours>', 'how long the old one works on', wholeNumber(0, 720), 24)
    .action((id: string, name: string, options: RotateTokenOptions) =>
      run(options, async (context) =>
        (await import('./commands/token.ts')).rotateToken(context, id, name, options),
      ),
    )
  token
    .command('revoke')
    .description('revoke a token; clients that use it are refused')
    .argument('<deployment>', DEPLOYMENT)
    .argument('<token>', 'id or name of the token')
    .action((id: string, name: string, options: CommonOptions) =>
      run(options, async (context) => (await import('./commands/token.ts')).revokeToken(context, id, name)),
    )
}

const TOKEN_LIMIT = wholeNumber(1, 1_000_000)
const wish = (text: string): Wish => (text === 'default' ? text : TOKEN_LIMIT(text))

/** Commander hands over the former value as well. */
const moment = (text: string): string => readMoment(text)

const SOURCE =
  'link to a repository or bundle (.mcpb), owner/name, npm:NAME, pypi:NAME or a pasted mcpServers snippet'

/** Commands that ask no server. */
const LOCAL: ReadonlySet<string> = new Set(['serve', 'bridge', 'backup', 'restore'])

/** The options of the commands that talk to a server, after their own. */
function addServerOptions(command: Command): void {
  for (const child of command.commands) addServerOptions(child)
  const isGroup = command.commands.length > 0 && command.registeredArguments.length === 0
  if (isGroup || LOCAL.has(command.name())) return
  command
    .optionsGroup('Server:')
    .option(
      '--url <origin>',
      'address of the server (CATWALK_URL); default: the one logged in to, else this machine’s',
    )
    .option('--api-key <key>', 'API key (CATWALK_API_KEY); default: that of the login, else of this machine')
    .option('--data-dir <path>', 'data directory of the installation on this machine (CATWALK_DATA_DIR)')
    .option('--workspace <id>', 'workspace to work in; default: that of the key')
    .option('--json', 'print one JSON document')
}
