import type { Command } from 'commander'
import type { ExportOptions, ImportOptions } from './commands/deployment-file.ts'
import { collect, DEPLOYMENT, timeoutOption } from './options.ts'
import type { ProgramOptions } from './program.ts'

const load = () => import('./commands/deployment-file.ts')

/** Names and flags of the commands that write a deployment to a file and make one from it. */
export function addDeploymentFiles(program: Command, run: ProgramOptions['run']): void {
  program
    .command('export')
    .description('write a deployment to a file that another Catwalk can import')
    .argument('<deployment>', DEPLOYMENT)
    .option('-o, --out <path>', 'the file; default: standard output')
    .option(
      '--with-secrets',
      'with its values, encrypted under a passphrase (CATWALK_PASSPHRASE, or asked for)',
    )
    .option('--passphrase-stdin', 'read the passphrase from standard input')
    .action((id: string, options: ExportOptions) =>
      run(options, async (context) => (await load()).exportDeployment(context, id, options)),
    )
  program
    .command('import')
    .description('deploy what an export gave and wait until it answers')
    .argument('<file>', 'the file that an export wrote')
    .option('-y, --yes', 'deploy in spite of warnings')
    .option('--name <text>', 'name for people; default: that in the file')
    .option(
      '--slug <text>',
      'last part of the endpoint; default: that in the file, with a number if it is taken',
    )
    .option(
      '--env <NAME=VALUE>',
      'value that is not in the file; NAME takes it from the environment, NAME=- from standard input',
      collect,
    )
    .option('--env-file <path>', 'values, one NAME=value a line')
    .option('--file <name=path>', 'a value that is the content of a file', collect)
    .option('--passphrase-stdin', 'read the passphrase from standard input')
    .option('--wait', 'wait until it answers (the default)')
    .option('--no-wait', 'return as soon as it is accepted')
    .addOption(timeoutOption())
    .action((path: string, options: ImportOptions) =>
      run(options, async (context) => (await load()).importDeployment(context, path, options)),
    )
}
