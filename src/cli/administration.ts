import { Argument, Option, type Command } from 'commander'
import { CatwalkError } from '../domain/index.ts'
import type { CommonOptions } from './context.ts'
import { collect, DEPLOYMENT, timeoutOption, wholeNumber } from './options.ts'
import type { ProgramOptions } from './program.ts'
import type { Programs } from './programs.ts'
import type { AuditOptions } from './commands/audit.ts'
import type { AddKeyOptions, InviteOptions } from './commands/people.ts'
import type { RotateOptions } from './commands/keys.ts'
import type { QuotaOptions, Wish } from './commands/quotas.ts'
import { addNotices } from './notice-commands.ts'
import type { SetOptions } from './commands/workspace-settings.ts'

type Run = ProgramOptions['run']

const commands = {
  audit: () => import('./commands/audit.ts'),
  doctor: () => import('./commands/doctor.ts'),
  doctorOAuth: () => import('./commands/doctor-oauth.ts'),
  people: () => import('./commands/people.ts'),
  backup: () => import('./commands/backup.ts'),
  keys: () => import('./commands/keys.ts'),
  workspace: () => import('./commands/workspace-settings.ts'),
  quotas: () => import('./commands/quotas.ts'),
}

/** The commands of those who run an installation. */
export function addAdministration(program: Command, run: Run, programs: Programs): void {
  program.commandsGroup('Administer:')
  program
    .command('doctor')
    .description('tell what is wrong with the installation, or how clients sign in to a deployment')
    .addArgument(
      new Argument('[topic]', 'oauth: what each client meets on its way to sign in').choices(['oauth']),
    )
    .argument('[deployment]', DEPLOYMENT)
    .action((topic: string | undefined, id: string | undefined, options: CommonOptions) =>
      run(options, async (context) => {
        if (topic === undefined) return (await commands.doctor()).doctor(context)
        if (id !== undefined) return (await commands.doctorOAuth()).doctorOAuth(context, id)
        throw new CatwalkError('invalid_request', 'Say which deployment is meant.', {
          help: 'Type: bin/catwalk doctor oauth DEPLOYMENT',
        })
      }),
    )
  addPeople(program, run)
  addBackup(program, run, programs)
  addAudit(program.command('audit').description('who did what'), run)
  addKeys(program.command('keys').description('master keys that credentials are encrypted under'), run)
}

/** Both work on the database itself, so they need no Catwalk that runs; a restore even wants none. */
function addBackup(program: Command, run: Run, programs: Programs): void {
  for (const [verb, description, what] of [
    ['backup', 'write all that the installation keeps to a file, while it runs', 'file to write'],
    ['restore', 'fill a database that was never used from a backup, before the first start', 'file to read'],
  ] as const) {
    program
      .command(verb)
      .description(description)
      .argument('<file>', what)
      .option('--data-dir <path>', 'data directory of the installation (CATWALK_DATA_DIR)')
      .option('--json', 'print one JSON document')
      .action((file: string, options: CommonOptions) =>
        run(options, async (context) => (await commands.backup())[verb](context, programs, file, options)),
      )
  }
}

/** What narrows a list of entries. */
function filtered(command: Command): Command {
  return command
    .option('--action <name>', 'such as deployment.stop, or deployment for all of them')
    .option('--actor <text>', 'id, or part of the name')
    .option('--target <id>', 'what it was done to')
    .addOption(new Option('--outcome <outcome>', 'how it ended').choices(['done', 'refused', 'failed']))
    .option('--since <time>', 'not before, e.g. 2026-11-25T00:00:00Z')
    .option('--until <time>', 'before')
}

function addAudit(audit: Command, run: Run): void {
  filtered(audit.command('ls').description('list the newest entries of the workspace'))
    .option('-n, --lines <number>', 'how many', wholeNumber(1, 500), 50)
    .action((options: AuditOptions) =>
      run(options, async (context) => (await commands.audit()).listAudit(context, options)),
    )
  filtered(audit.command('export').description('print all entries, one JSON object a line')).action(
    (options: AuditOptions) =>
      run(options, async (context) => (await commands.audit()).exportAudit(context, options)),
  )
  audit
    .command('verify')
    .description('check that no entry of the installation was changed, moved or removed')
    .action((options: CommonOptions) =>
      run(options, async (context) => (await commands.audit()).verifyAudit(context)),
    )
}

function addKeys(keys: Command, run: Run): void {
  keys
    .command('status')
    .description('list the keys, how much is under each, and how far a rotation is')
    .action((options: CommonOptions) =>
      run(options, async (context) => (await commands.keys()).keysStatus(context)),
    )
  keys
    .command('add')
    .description('make a new key; what is new is encrypted under it')
    .action((options: CommonOptions) =>
      run(options, async (context) => (await commands.keys()).addKey(context)),
    )
  keys
    .command('rotate')
    .description('encrypt everything anew under the newest key, while everything runs')
    .option('--wait', 'wait until it is done')
    .addOption(timeoutOption())
    .action((options: RotateOptions) =>
      run(options, async (context) => (await commands.keys()).rotateKeys(context, options)),
    )
  keys
    .command('retire')
    .description('forget a key that nothing is under any more')
    .argument('<key>', 'id of the key')
    .action((id: string, options: CommonOptions) =>
      run(options, async (context) => (await commands.keys()).retireKey(context, id)),
    )
  keys
    .command('export')
    .description('print the keys of this machine, to keep them apart from backups of the database')
    .requiredOption('--recovery', 'say that the keys themselves are to be shown')
    .action((options: CommonOptions) =>
      run(options, async (context) => (await commands.keys()).exportKeys(context)),
    )
}

const ROLES = ['viewer', 'member', 'admin', 'owner']

function addWorkspaceSettings(workspace: Command, run: Run): void {
  workspace
    .command('settings')
    .description('keys and tokens of the workspace for services outside, masked')
    .action((options: CommonOptions) =>
      run(options, async (context) => (await commands.workspace()).listWorkspaceSettings(context)),
    )
  workspace
    .command('set')
    .description('set some, each after a check against its service')
    .argument('[settings...]', 'NAME=value, NAME from the environment, NAME=- from standard input')
    .option('--env-file <path>', 'file with NAME=value lines; what is no setting is left out')
    .action((names: string[], options: SetOptions) =>
      run(options, async (context) =>
        (await commands.workspace()).setWorkspaceSettings(context, names, options),
      ),
    )
  workspace
    .command('unset')
    .description('take some away')
    .argument('<names...>', 'such as GITHUB_TOKEN')
    .action((names: string[], options: CommonOptions) =>
      run(options, async (context) => (await commands.workspace()).unsetWorkspaceSettings(context, names)),
    )
}

const quota = (text: string): Wish => (text === 'default' ? text : wholeNumber(0, 1_000_000_000)(text))

function addQuotas(workspace: Command, run: Run): void {
  workspace
    .command('quotas')
    .description('show what the workspace may use; administrators of the installation change it')
    .option(
      '--deployments <number>',
      'how many deployments; 0 is no limit, "default" what every workspace may',
      quota,
    )
    .option('--memory <MiB>', 'memory limits of all deployments together', quota)
    .option('--calls-per-minute <number>', 'requests a minute to all endpoints, on each replica', quota)
    .option('--concurrent-calls <number>', 'requests under way at once, on each replica', quota)
    .action((options: QuotaOptions) =>
      run(options, async (context) => (await commands.quotas()).quotas(context, options)),
    )
}

function addPeople(program: Command, run: Run): void {
  const role = (standard: string) =>
    new Option('--role <role>', 'what one may do').choices(ROLES).default(standard)
  const workspace = program.command('workspace').description('the workspaces that one may work in')
  workspace
    .command('ls')
    .description('list them; --workspace names the one that a command is about')
    .action((options: CommonOptions) =>
      run(options, async (context) => (await commands.people()).listWorkspaces(context)),
    )
  addWorkspaceSettings(workspace, run)
  addQuotas(workspace, run)
  addNotices(program, run)

  const member = program.command('member').description('who is in the workspace')
  member
    .command('ls')
    .description('list the members')
    .action((options: CommonOptions) =>
      run(options, async (context) => (await commands.people()).listMembers(context)),
    )
  member
    .command('role')
    .description('give a member another role')
    .argument('<member>', 'email address or id')
    .argument('<role>', ROLES.join(', '))
    .action((who: string, to: string, options: CommonOptions) =>
      run(options, async (context) => (await commands.people()).changeRole(context, who, to)),
    )
  member
    .command('rm')
    .description('remove a member')
    .argument('<member>', 'email address or id')
    .action((who: string, options: CommonOptions) =>
      run(options, async (context) => (await commands.people()).removeMember(context, who)),
    )

  const invitation = program.command('invitation').description('links that bring somebody into the workspace')
  invitation
    .command('ls')
    .description('list those that can still be used')
    .action((options: CommonOptions) =>
      run(options, async (context) => (await commands.people()).listInvitations(context)),
    )
  invitation
    .command('add')
    .description('make a link that works once')
    .addOption(role('member'))
    .option('--email <address>', 'who alone may use it')
    .option('--expires <days>', 'how long it works', wholeNumber(1, 30), 7)
    .action((options: InviteOptions) =>
      run(options, async (context) => (await commands.people()).addInvitation(context, options)),
    )
  invitation
    .command('revoke')
    .description('take an invitation back')
    .argument('<invitation>', 'its id')
    .action((id: string, options: CommonOptions) =>
      run(options, async (context) => (await commands.people()).revokeInvitation(context, id)),
    )

  const key = program.command('key').alias('api-keys').description('API keys of the workspace')
  key
    .command('ls')
    .description('list them')
    .action((options: CommonOptions) =>
      run(options, async (context) => (await commands.people()).listKeys(context)),
    )
  key
    .command('add')
    .description('make an API key and print it; it is shown this once')
    .addOption(role('member'))
    .option('--name <text>', 'name to recognise it by', 'cli')
    .option(
      '--scope <scope>',
      'what it may do, such as deployments:read; repeat it; default: all that the role may',
      collect,
    )
    .option('--expires <days>', 'when it stops working; default: never', wholeNumber(1, 3650))
    .action((options: AddKeyOptions) =>
      run(options, async (context) => (await commands.people()).addKey(context, options)),
    )
  key
    .command('revoke')
    .description('revoke an API key')
    .argument('<key>', 'its id')
    .action((id: string, options: CommonOptions) =>
      run(options, async (context) => (await commands.people()).revokeKey(context, id)),
    )

  const account = program.command('account').description('accounts of people')
  account
    .command('reset-codes')
    .description('turn one-time codes off for somebody who has lost them')
    .argument('<email>', 'address of the account')
    .action((email: string, options: CommonOptions) =>
      run(options, async (context) => (await commands.people()).resetSecondFactor(context, email)),
    )
  account
    .command('reset')
    .description('make a link with which somebody sets a new password')
    .argument('<email>', 'address of the account')
    .action((email: string, options: CommonOptions) =>
      run(options, async (context) => (await commands.people()).resetPassword(context, email)),
    )
}
