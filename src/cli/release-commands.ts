import { Option, type Command } from 'commander'
import type { ReleaseOptions, UpdateOptions, WaitingOptions } from './commands/release.ts'
import type { CommonOptions } from './context.ts'
import { collect, DEPLOYMENT, networkOption, timeoutOption, wholeNumber } from './options.ts'
import type { ProgramOptions } from './program.ts'

const load = () => import('./commands/release.ts')
const loadUpdates = () => import('./commands/updates.ts')

/** Names and flags of the commands about releases. */
export function addReleases(program: Command, run: ProgramOptions['run']): void {
  const releaseNumber = wholeNumber(1, 999_999_999)
  program.commandsGroup('Releases:')
  program
    .command('releases')
    .description('list the releases of a deployment')
    .argument('<deployment>', DEPLOYMENT)
    .action((id: string, options: CommonOptions) =>
      run(options, async (context) => (await load()).listReleases(context, id)),
    )
  waiting(program.command('release'))
    .description('make a release with other variables, arguments, settings or another version')
    .argument('<deployment>', DEPLOYMENT)
    .option('--pin <version>', 'version or tag of the package')
    .option(
      '-e, --env <variable>',
      'NAME=value, NAME from the environment, NAME=- from standard input',
      collect,
    )
    .option('--env-file <path>', 'file with NAME=value lines')
    .option('--unset <name>', 'take a variable away', collect)
    .option(
      '--personal <name>',
      'a variable of which each member brings their own value; all of them, in place of the former',
      collect,
    )
    .option('--no-personal', 'share all values again')
    .option(
      '--account <NAME=PROVIDER>',
      'a variable whose value is the token of a connected account; all of them, in place of the former',
      collect,
    )
    .option('--no-account', 'no value comes from an account any more')
    .option('--arg <text>', 'argument of the server; all of them, in place of the former', collect)
    .option('--no-args', 'take all arguments away')
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
    .option('--no-allow-scripts', 'do not run them any more')
    .option('--memory <MiB>', 'memory limit', wholeNumber(64, 16_384))
    .action((id: string, options: ReleaseOptions) =>
      run(options, async (context) => (await load()).changeRelease(context, id, options)),
    )
  waiting(program.command('update'))
    .description('move to the newest version of the package, or the newest commit of the repository')
    .argument('<deployment>', DEPLOYMENT)
    .option('--check', 'only say whether there is one and, tried out in the sandbox, what it would change')
    .action((id: string, options: UpdateOptions) =>
      run(options, async (context) => (await load()).update(context, id, options)),
    )
  const updates = program.command('updates').description('newer versions of what deployments run')
  updates
    .command('ls')
    .description('list deployments for which a newer version is known')
    .action((options: CommonOptions) =>
      run(options, async (context) => (await loadUpdates()).listUpdates(context)),
    )
  for (const [verb, isSkipped] of [
    ['skip', true],
    ['unskip', false],
  ] as const) {
    updates
      .command(verb)
      .description(isSkipped ? 'leave the version that is available out' : 'show it again')
      .argument('<deployment>', DEPLOYMENT)
      .action((id: string, options: CommonOptions) =>
        run(options, async (context) => (await loadUpdates()).skipUpdate(context, id, isSkipped)),
      )
  }
  waiting(program.command('rollback'))
    .description('make a release like an old one; default: the one that served before')
    .argument('<deployment>', DEPLOYMENT)
    .argument('[number]', 'number of the release to go back to', releaseNumber)
    .action((id: string, number: number | undefined, options: WaitingOptions) =>
      run(options, async (context) => (await load()).rollback(context, id, number, options)),
    )
  program
    .command('diff')
    .description('show how a release differs from an earlier one')
    .argument('<deployment>', DEPLOYMENT)
    .argument('[number]', 'number of the release; default: the newest', releaseNumber)
    .option(
      '--since <number>',
      'the release to compare it with; default: the one live before it',
      releaseNumber,
    )
    .action((id: string, number: number | undefined, options: CommonOptions & { since?: number }) =>
      run(options, async (context) => (await load()).diff(context, id, number, options.since)),
    )
}

function waiting(command: Command): Command {
  return command
    .option('--wait', 'wait until it serves (the default)')
    .option('--no-wait', 'return as soon as it is accepted')
    .addOption(timeoutOption())
}
