import type { Command } from 'commander'
import type { CommonOptions } from './context.ts'
import { timeoutOption } from './options.ts'
import type { ProgramOptions } from './program.ts'
import type { LoginOptions, LogoutOptions } from './commands/login.ts'

type Run = ProgramOptions['run']

const commands = () => import('./commands/login.ts')

/** The commands by which one is let in to an installation. */
export function addLogins(program: Command, run: Run): void {
  program.commandsGroup('Log in:')
  program
    .command('login')
    .description('log in to an installation; commands talk to it from then on')
    .argument('[url]', 'its address; default: CATWALK_URL, else the one on this machine')
    .option('--api-key-stdin', 'take an API key from standard input instead of asking in the browser')
    .option('--name <text>', 'name of the key that comes of it; default: made from the host name')
    .addOption(timeoutOption())
    .action((url: string | undefined, options: LoginOptions) =>
      run(options, async (context) => (await commands()).login(context, url, options)),
    )
  program
    .command('logout')
    .description('revoke the key of an installation and forget it')
    .argument('[url]', 'its address; default: the one that commands talk to')
    .option('--all', 'log out everywhere')
    .option('--revoke', 'revoke also a key that was pasted, wherever else it is used')
    .action((url: string | undefined, options: LogoutOptions) =>
      run(options, async (context) => (await commands()).logout(context, url, options)),
    )
  program
    .command('whoami')
    .description('show to which server commands talk, and as whom')
    .action((options: CommonOptions) =>
      run(options, async (context) => (await commands()).whoami(context, options)),
    )
}
