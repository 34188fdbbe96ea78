import { Option, type Command } from 'commander'
import type { AddProviderOptions } from './commands/accounts.ts'
import type { CommonOptions } from './context.ts'
import { collect } from './options.ts'
import type { ProgramOptions } from './program.ts'

const code = () => import('./commands/accounts.ts')

/** Services where accounts can be connected. */
export function addProviders(program: Command, run: ProgramOptions['run']): void {
  const provider = program.command('provider').description('services where accounts can be connected')
  provider
    .command('ls')
    .description('list those of the workspace')
    .action((options: CommonOptions) =>
      run(options, async (context) => (await code()).listProviders(context)),
    )
  provider
    .command('add')
    .description('add one, or change the one of this name')
    .argument('<name>', 'what it is called here')
    .requiredOption('--client-id <id>', 'as it was registered there')
    .option(
      '--client-secret <variable>',
      'variable of the environment that holds it, or - for standard input',
    )
    .addOption(new Option('--preset <service>', 'its addresses are known').choices(['github', 'google']))
    .option('--authorization-url <url>', 'where people are sent')
    .option('--token-url <url>', 'where tokens are given')
    .option('--revocation-url <url>', 'where tokens are ended when an account is disconnected')
    .option('--issuer <url>', 'what it calls itself in iss')
    .option('--scope <text>', 'what is asked for; may be repeated', collect)
    .option('--parameter <NAME=VALUE>', 'sent along to the authorization endpoint', collect)
    .addOption(
      new Option('--auth-method <method>', 'how the secret is shown').choices([
        'client_secret_post',
        'client_secret_basic',
        'none',
      ]),
    )
    .action((name: string, options: AddProviderOptions) =>
      run(options, async (context) => (await code()).addProvider(context, name, options)),
    )
  provider
    .command('rm')
    .description('delete one that no account is connected with')
    .argument('<name>', 'its name or id')
    .action((name: string, options: CommonOptions) =>
      run(options, async (context) => (await code()).removeProvider(context, name)),
    )
}
