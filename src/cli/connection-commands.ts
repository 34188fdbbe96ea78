import type { Command } from 'commander'
import type { CommonOptions } from './context.ts'
import { collect, DEPLOYMENT } from './options.ts'
import type { ProgramOptions } from './program.ts'
import type { AddClientOptions } from './commands/connections.ts'

type Run = ProgramOptions['run']

const code = () => import('./commands/connections.ts')

/** Clients that people signed in with, and client ids made by hand. */
export function addConnections(program: Command, run: Run): void {
  const connection = program.command('connection').description('clients that people signed in with')
  connection
    .command('ls')
    .description('list what people allowed clients at a deployment')
    .argument('<deployment>', DEPLOYMENT)
    .action((id: string, options: CommonOptions) =>
      run(options, async (context) => (await code()).listConnections(context, id)),
    )
  connection
    .command('revoke')
    .description('take it back; the client is refused at once')
    .argument('<deployment>', DEPLOYMENT)
    .argument('<connection>', 'id of the connection')
    .action((id: string, connectionId: string, options: CommonOptions) =>
      run(options, async (context) => (await code()).revokeConnection(context, id, connectionId)),
    )
  const client = program
    .command('client')
    .description('client ids for programs that cannot register themselves')
  client
    .command('ls')
    .description('list those that were made for a deployment')
    .argument('<deployment>', DEPLOYMENT)
    .action((id: string, options: CommonOptions) =>
      run(options, async (context) => (await code()).listClients(context, id)),
    )
  client
    .command('add')
    .description('make one and print it with its secret, which is shown this once')
    .argument('<deployment>', DEPLOYMENT)
    .requiredOption('--redirect <uri>', 'where it may send people back to; may be repeated', collect)
    .option('--name <text>', 'name that people are shown', 'A client')
    .option('--no-secret', 'it cannot keep one')
    .action((id: string, options: AddClientOptions) =>
      run(options, async (context) => (await code()).addClient(context, id, options)),
    )
  client
    .command('rm')
    .description('delete one, with all that people allowed it')
    .argument('<deployment>', DEPLOYMENT)
    .argument('<client>', 'its id or name')
    .action((id: string, name: string, options: CommonOptions) =>
      run(options, async (context) => (await code()).removeClient(context, id, name)),
    )
}
