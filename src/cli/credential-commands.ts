import type { Command } from 'commander'
import type { BringOptions } from './commands/credentials.ts'
import type { CommonOptions } from './context.ts'
import { collect, DEPLOYMENT } from './options.ts'
import type { ProgramOptions } from './program.ts'

const code = () => import('./commands/credentials.ts')
const accounts = () => import('./commands/accounts.ts')

/** One's own credentials, where each member brings theirs. */
export function addCredentials(program: Command, run: ProgramOptions['run']): void {
  const credentials = program
    .command('credentials')
    .description('your own credentials, where each member brings theirs, and accounts at other services')
  credentials
    .command('ls')
    .description('list what deployments want of you, and what you have brought')
    .action((options: CommonOptions) =>
      run(options, async (context) => (await code()).listOwnCredentials(context)),
    )
  credentials
    .command('bring')
    .description('give your values; they are encrypted and serve you alone')
    .argument('<deployment>', DEPLOYMENT)
    .option(
      '-e, --env <variable>',
      'NAME=value, NAME from the environment, NAME=- from standard input',
      collect,
    )
    .option('--env-file <path>', 'file with NAME=value lines')
    .option('--file <name=path>', 'a value that is the content of a file', collect)
    .action((id: string, options: BringOptions) =>
      run(options, async (context) => (await code()).bringCredentials(context, id, options)),
    )
  credentials
    .command('withdraw')
    .description('take back what you have brought; it is deleted, with what the server kept for you')
    .argument('<deployment>', DEPLOYMENT)
    .action((id: string, options: CommonOptions) =>
      run(options, async (context) => (await code()).withdrawCredentials(context, id)),
    )
  credentials
    .command('accounts')
    .description('list the accounts at other services that a deployment works with')
    .argument('<deployment>', DEPLOYMENT)
    .action((id: string, options: CommonOptions) =>
      run(options, async (context) => (await accounts()).listAccounts(context, id)),
    )
  credentials
    .command('disconnect')
    .description('disconnect an account: yours, or the one for everybody')
    .argument('<deployment>', DEPLOYMENT)
    .argument('<credential>', 'name of the credential that it is for')
    .action((id: string, name: string, options: CommonOptions) =>
      run(options, async (context) => (await accounts()).forgetAccount(context, id, name)),
    )
}
