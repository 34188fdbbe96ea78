import type { Command } from 'commander'
import type { CommonOptions } from './context.ts'
import { timeoutOption } from './options.ts'
import type { ProgramOptions } from './program.ts'
import type { RotateOptions } from './commands/keys.ts'

type Run = ProgramOptions['run']

const commands = {
  keys: () => import('./commands/keys.ts'),
}

/** The commands of those who run an installation. */
export function addAdministration(program: Command, run: Run): void {
  program.commandsGroup('Administer:')
  addKeys(program.command('keys').description('master keys that credentials are encrypted under'), run)
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
